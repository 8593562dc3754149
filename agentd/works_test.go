package agentd

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// begin begins a work of a uid that asks for a code.
func (r *running) begin(uid uint32) (id string) {
	r.t.Helper()
	m, _, err := r.service.devices.person(uid).works.Begin(works.Spec{Kind: works.KindClaim, Key: "k", Subject: "a test"}, func(ctx context.Context, c *works.Conversation) (*works.Result, error) {
		c.Tell(&agentpb.Notice{Kind: "waiting", Text: "the other side has to come"})
		q := &agentpb.Question{Kind: "choose-code", Codes: []string{"AAAA", "BBBB"}}
		return &works.Result{Organization: "Acme"}, c.Ask(ctx, q, func(g works.Given) error {
			if g.GetCode() != "AAAA" {
				return wire.Errorf(wire.StatusInvalidArgument, "it is none of those")
			}
			return nil
		})
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return m.GetWorkId()
}

var errEnough = errors.New("enough")

// TestWorks watches a work, looks away, watches again and gets the question again, and answers it.
func TestWorks(t *testing.T) {
	r := start(t, nil)
	c, ctx := r.client(), t.Context()
	id := r.begin(uint32(os.Getuid()))
	var asked *client.Question
	look := func() {
		t.Helper()
		asked = nil
		err := c.WatchWork(ctx, id, func(w client.Work, since []client.Notice) error {
			if asked = w.Question; asked != nil {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
	}
	look()
	look()
	if asked.Kind != "choose-code" || len(asked.Codes) != 2 {
		t.Fatalf("%+v", asked)
	}
	if _, err := c.AnswerWork(ctx, id, asked.Step, client.WorkAnswer{Code: "AAAA", None: true}); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Error(err)
	}
	if _, err := c.AnswerWork(ctx, id, asked.Step, client.WorkAnswer{Code: "CCCC"}); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Error(err)
	}
	if _, err := c.AnswerWork(ctx, id, asked.Step, client.WorkAnswer{CertificateKey: "k"}); wire.StatusOf(err) != wire.StatusDoesNotExist {
		t.Error(err)
	}
	for i, want := range []bool{false, true} {
		if already, err := c.AnswerWork(ctx, "", asked.Step, client.WorkAnswer{Code: "AAAA"}); (i == 0 && (err != nil || already != want)) || (i == 1 && wire.StatusOf(err) != wire.StatusDoesNotExist) {
			t.Errorf("%d: %v, %v", i, already, err)
		}
	}
	if already, err := c.AnswerWork(ctx, id, asked.Step, client.WorkAnswer{Code: "AAAA"}); err != nil || !already {
		t.Error(already, err)
	}
	if err := c.WatchWork(ctx, id, func(w client.Work, _ []client.Notice) error {
		if w.Over() && (w.State != "done" || w.Result.Organization != "Acme" || w.Ended.IsZero()) {
			t.Errorf("%+v", w)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := c.CancelWork(ctx, id, true); err != nil {
		t.Error(err)
	}
	if all, err := c.ListWorks(ctx); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
}

// TestWorksOfAnother: a work of another uid does not exist.
func TestWorksOfAnother(t *testing.T) {
	r := start(t, nil)
	c, ctx := r.client(), t.Context()
	other := uint32(os.Getuid()) + 1
	id := r.begin(other)
	if all, err := c.ListWorks(ctx); err != nil || len(all) != 0 {
		t.Error(all, err)
	}
	watch := c.WatchWork(ctx, id, func(client.Work, []client.Notice) error { return errEnough })
	_, answer := c.AnswerWork(ctx, id, 1, client.WorkAnswer{Code: "AAAA"})
	_, cancel := c.CancelWork(ctx, id, true)
	for i, err := range []error{watch, answer, cancel} {
		if wire.StatusOf(err) != wire.StatusDoesNotExist {
			t.Errorf("%d: %v", i, err)
		}
	}
	if all, err := r.service.devices.person(other).works.List(); err != nil || len(all) != 1 || all[0].GetState() == "cancelled" {
		t.Error(all, err)
	}
}

// TestWatchersTakeNoPlace has more watchers than requests may be at work: others are served, and who hangs up is noticed.
func TestWatchersTakeNoPlace(t *testing.T) {
	r := start(t, func(c *config.Config) { c.Agent.Limits.RequestsPerUID = 1 })
	id := r.begin(uint32(os.Getuid()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const watchers = 4
	seen, ended := make(chan struct{}, 64), make(chan error, watchers)
	clients := make([]*client.Client, watchers)
	for i := range clients {
		clients[i] = r.client()
	}
	before := r.connections()
	for _, c := range clients {
		go func() {
			ended <- c.WatchWork(ctx, id, func(w client.Work, _ []client.Notice) error {
				if w.Question != nil {
					seen <- struct{}{}
				}
				return nil
			})
		}()
	}
	for range watchers {
		<-seen
	}
	c := r.client()
	if _, err := c.ListWorks(t.Context()); err != nil {
		t.Error(err)
	}
	cancel()
	for range watchers {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); r.connections() > before+1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, %d were before others watched and hung up", r.connections(), before)
		}
	}
}

// connections counts those that are open.
func (r *running) connections() int {
	r.service.connsMu.Lock()
	defer r.service.connsMu.Unlock()
	return len(r.service.conns)
}

// TestStopEndsWatching: the end of the agent ends the streams at once, and the works wait.
func TestStopEndsWatching(t *testing.T) {
	r := start(t, nil)
	id := r.begin(uint32(os.Getuid()))
	c := r.client()
	ended, seen := make(chan error, 1), make(chan struct{}, 16)
	go func() {
		ended <- c.WatchWork(t.Context(), id, func(client.Work, []client.Notice) error { seen <- struct{}{}; return nil })
	}()
	<-seen
	begun := time.Now()
	r.stop()
	if err := <-ended; err == nil {
		t.Error("the stream ended well")
	}
	if took := time.Since(begun); took >= drain {
		t.Errorf("stopped after %v", took)
	}
}
