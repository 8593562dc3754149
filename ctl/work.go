package ctl

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// workView is the JSON form of a work. It holds the codes that are to be said or heard, and no other secret.
type workView struct {
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	State    string          `json:"state"`
	Subject  string          `json:"subject"`
	Device   string          `json:"device,omitempty"`
	Begun    time.Time       `json:"begun"`
	Deadline time.Time       `json:"deadline"`
	Ended    *time.Time      `json:"ended,omitempty"`
	Question *questionView   `json:"question,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Remedy   string          `json:"remedy,omitempty"`
	Result   *workResultView `json:"result,omitempty"`
}

type workResultView struct {
	Server       string      `json:"server"`
	Organization string      `json:"organization"`
	Fingerprint  string      `json:"fingerprint,omitempty"`
	User         string      `json:"user,omitempty"`
	Device       string      `json:"device,omitempty"`
	Details      detailsView `json:"details"`
	Replaced     string      `json:"replaced,omitempty"`
}

type detailsView struct {
	Name    string `json:"name,omitempty"`
	Email   string `json:"email,omitempty"`
	Label   string `json:"label,omitempty"`
	Profile string `json:"profile,omitempty"`
}

type peerView struct {
	Side  string     `json:"side,omitempty"`
	User  string     `json:"user,omitempty"`
	Email string     `json:"email,omitempty"`
	Name  string     `json:"name,omitempty"`
	Seen  *time.Time `json:"seen,omitempty"`
}

type questionView struct {
	Step         uint32          `json:"step"`
	Kind         string          `json:"kind"`
	Text         string          `json:"text"`
	Wrong        string          `json:"wrong,omitempty"`
	Peer         *peerView       `json:"peer,omitempty"`
	Greeters     []peerView      `json:"greeters,omitempty"`
	Codes        []string        `json:"codes,omitempty"`
	Code         string          `json:"code,omitempty"`
	Details      *detailsView    `json:"details,omitempty"`
	Person       bool            `json:"person,omitempty"`
	Invited      string          `json:"invited,omitempty"`
	Organization string          `json:"organization,omitempty"`
	Label        string          `json:"label,omitempty"`
	Protection   *protectionView `json:"protection,omitempty"`
	Matter       string          `json:"matter,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Since        *time.Time      `json:"since,omitempty"`
}

type noticeView struct {
	Number uint32    `json:"number"`
	Kind   string    `json:"kind"`
	Text   string    `json:"text"`
	Peer   *peerView `json:"peer,omitempty"`
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by,omitempty"`
}

// optional returns a time as JSON has it, nil for none.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func viewPeer(p client.WorkPeer) *peerView {
	if p == (client.WorkPeer{}) {
		return nil
	}
	return &peerView{p.Side, p.User, p.Email, p.Name, optional(p.Seen)}
}

func viewWork(w *client.Work) workView {
	v := workView{
		ID: w.ID, Kind: w.Kind, State: w.State, Subject: w.Subject, Device: w.Device, Begun: w.Begun.UTC(), Deadline: w.Deadline.UTC(), Ended: optional(w.Ended),
	}
	if w.Failure != nil {
		v.Reason, v.Remedy = w.Failure.Error(), remedy(w.Failure)
	}
	if w.Question != nil {
		v.Question = viewQuestion(w.Question)
	}
	if r := w.Result; r != nil {
		v.Result = &workResultView{r.Server, r.Organization, hex.EncodeToString(r.Fingerprint), r.User, r.Device, detailsView(r.Details), r.Replaced}
	}
	return v
}

func viewQuestion(q *client.Question) *questionView {
	v := &questionView{
		Step: q.Step, Kind: q.Kind, Text: q.Text, Wrong: q.Wrong, Peer: viewPeer(q.Peer), Codes: q.Codes, Code: q.Code, Person: q.Person, Invited: q.Invited,
		Organization: q.Organization, Label: q.Label, Matter: q.Matter, Reason: q.Reason, Since: optional(q.Since),
	}
	for _, g := range q.Greeters {
		v.Greeters = append(v.Greeters, *viewPeer(g))
	}
	if q.Details != (client.Details{}) {
		d := detailsView(q.Details)
		v.Details = &d
	}
	if q.Protection.Kind != "" {
		p := protectionView(q.Protection)
		v.Protection = &p
	}
	return v
}

// update is what a watcher learns at once.
type update struct {
	work  client.Work
	since []client.Notice
}

// attendance is a person, or a script, at a work.
type attendance struct {
	*Program
	c       *client.Client
	id      string
	answers *answers

	step    uint32 // of the question that is asked now, or was last
	stop    context.CancelFunc
	given   chan given
	waiting bool // for given
}

// given is what became of asking.
type given struct {
	step   uint32
	answer *client.WorkAnswer // nil for a question that needs none
	err    error
}

// attend shows a work and answers what it asks until it is over. Where the person leaves, the work goes on without them.
func (p *Program) attend(ctx context.Context, c *client.Client, w client.Work, a *answers) (client.Work, error) {
	t := &attendance{Program: p, c: c, id: w.ID, answers: a, given: make(chan given)}
	last, err := t.run(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return last, advise(fmt.Errorf("left work %s, which goes on in the agent: %w", shortID(w.ID), context.Cause(ctx)),
			"parsecctl work watch %[1]s goes on with it, parsecctl work cancel %[1]s ends it", shortID(w.ID))
	case err != nil:
		return last, err
	case last.State == "done":
		return last, nil
	case last.Failure != nil:
		return last, last.Failure
	default:
		return last, &wire.Error{Status: wire.StatusBadState, Object: "work " + shortID(w.ID), Reason: "it is " + last.State}
	}
}

// run watches the work, and asks while it watches.
func (t *attendance) run(ctx context.Context) (last client.Work, err error) {
	ctx, cancel := context.WithCancel(ctx)
	updates, ended := make(chan update), make(chan error, 1)
	go func() {
		ended <- t.c.WatchWork(ctx, t.id, func(w client.Work, since []client.Notice) error {
			select {
			case updates <- update{w, since}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		close(updates)
	}()
	defer func() {
		cancel()
		t.withdraw()
		for range updates {
		}
	}()
	for {
		select {
		case u, more := <-updates:
			if !more {
				return last, <-ended
			}
			last, t.id = u.work, u.work.ID
			if err := t.see(ctx, u); err != nil {
				return last, err
			}
		case g := <-t.given:
			t.waiting = false
			if err := t.pass(ctx, g, last.Question); err != nil {
				return last, err
			}
		}
	}
}

// see shows what happened, and asks what is new to be asked.
func (t *attendance) see(ctx context.Context, u update) error {
	if err := t.show(u); err != nil {
		return err
	}
	q := u.work.Question
	if q != nil && q.Step == t.step {
		return nil
	}
	t.withdraw()
	if q == nil {
		return nil
	}
	t.ask(ctx, q)
	return nil
}

// ask has the question answered while the work is watched.
func (t *attendance) ask(ctx context.Context, q *client.Question) {
	ctx, t.stop = context.WithCancel(ctx)
	t.step, t.waiting = q.Step, true
	go func() {
		a, err := t.answers.answer(ctx, t, q)
		t.given <- given{q.Step, a, err}
	}()
}

// withdraw ends the asking of a question that nobody wants to have answered any more.
func (t *attendance) withdraw() {
	if t.stop != nil {
		t.stop()
	}
	if !t.waiting {
		return
	}
	t.waiting = false
	if g := <-t.given; g.answer != nil {
		clear(g.answer.Password)
	}
}

// pass gives an answer to the agent. One that the agent does not take is asked for again.
func (t *attendance) pass(ctx context.Context, g given, q *client.Question) error {
	if g.err != nil || g.answer == nil {
		return g.err
	}
	defer clear(g.answer.Password)
	already, err := t.c.AnswerWork(ctx, t.id, g.step, *g.answer)
	switch {
	case wire.StatusOf(err) == wire.StatusInvalidArgument && q != nil && q.Step == g.step && t.answers.again(err):
		t.say("%v", err)
		t.ask(ctx, q)
		return nil
	case err == nil && already:
		t.say("somebody else answered first")
	}
	return err
}

// show prints what happened.
func (t *attendance) show(u update) error {
	if t.global.json {
		line := struct {
			Work    workView     `json:"work"`
			Notices []noticeView `json:"notices"`
		}{viewWork(&u.work), []noticeView{}}
		for _, n := range u.since {
			line.Notices = append(line.Notices, noticeView{n.Number, n.Kind, n.Text, viewPeer(n.Peer), n.Reason, n.By})
		}
		return emitLine(t.Out, line)
	}
	for _, n := range u.since {
		if n.Text != "" {
			t.say("%s", n.Text)
		}
	}
	return nil
}

// emitLine prints a line of a result that comes bit by bit: one JSON value each.
func emitLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// errNoAnswer says that a script has no more answers.
var errNoAnswer = errors.New("the answers have ended")
