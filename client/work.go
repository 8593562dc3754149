package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// needsWorks is what the operations on works need the agent for.
const needsWorks = "enrolment"

// Work is something in which a person is asked. It goes on in the agent whether anybody watches it or not.
type Work struct {
	ID       string // 32 digits
	Kind     string // "bootstrap", "claim" or "greet"
	State    string // "running", "asking", "waiting", "done", "failed" or "cancelled"
	Subject  string // what it is about, for people
	Device   string // id of the device that it works with, or that it made
	Begun    time.Time
	Deadline time.Time
	Ended    time.Time // zero for one that has not
	Question *Question // asking
	Notice   *Notice   // the last one
	Failure  error     // failed, cancelled or waiting: why
	Result   *WorkResult
}

// Over reports whether a work has ended.
func (w *Work) Over() bool { return w.State == "done" || w.State == "failed" || w.State == "cancelled" }

// WorkResult is what a work has come to.
type WorkResult struct {
	Server, Organization string
	Fingerprint          []byte // of the root key: SHA-256
	User, Device         string // ids
	Details              Details
	Replaced             string // id of a device that nobody has, because it could not be continued
}

// Details are who a person is, and what their device is called.
type Details struct{ Name, Email, Label, Profile string }

// WorkPeer is who is on the other side, as the server says.
type WorkPeer struct {
	Side, User, Email, Name string
	Seen                    time.Time // when a greeter was last there for the invitation; zero for never
}

// Question is what a work asks; the kind says which fields count.
type Question struct {
	Step                uint32
	Kind                string
	Text, Wrong         string // for people
	Peer                WorkPeer
	Greeters            []WorkPeer // choose-greeter
	Codes               []string   // choose-code
	Code                string     // say-code
	Details             Details    // correct, confirm
	Person              bool       // correct: the details are of a person too
	Invited             string     // correct
	Organization, Label string     // choose-protection, give-secret
	Protection          DeviceProtection
	Matter, Reason      string // confirm
	Since               time.Time
}

// Notice says what happens in a work.
type Notice struct {
	Number     uint32
	Kind, Text string
	Peer       WorkPeer
	Reason, By string // of an attempt that ended
}

// WorkAnswer is an answer; the kind of the question says which fields count. The caller wipes the password.
type WorkAnswer struct {
	Greeter        string
	Code           string
	None           bool
	Yes, No        bool
	Details        *Details
	Password       []byte
	Provider       string
	CertificateKey string
	OneTimeCode    string
}

func readWork(m *agentpb.Work) Work {
	w := Work{
		ID: m.GetWorkId(), Kind: m.GetKind(), State: m.GetState(), Subject: m.GetSubject(), Device: m.GetDeviceId(),
		Begun: moment(m.GetBegunUnixMs()), Deadline: moment(m.GetDeadlineUnixMs()), Ended: moment(m.GetEndedUnixMs()),
	}
	if q := m.GetQuestion(); q != nil {
		w.Question = readQuestion(q)
	}
	if n := m.GetNotice(); n != nil {
		last := readNotice(n)
		w.Notice = &last
	}
	if d := m.GetDetail(); d != nil {
		w.Failure = &wire.Error{Status: wire.Status(m.GetStatus()), Object: d.GetObject(), Reason: d.GetReason(), Remedy: d.GetRemedy(), Reference: d.GetReference()} //nolint:gosec // a status of the protocol
	}
	if r := m.GetResult(); r != nil {
		w.Result = &WorkResult{
			Server: r.GetServer(), Organization: r.GetOrganization(), Fingerprint: r.GetFingerprint(), User: r.GetUserId(), Device: r.GetDeviceId(),
			Details: readDetails(r.GetDetails()), Replaced: r.GetReplacedDeviceId(),
		}
	}
	return w
}

// moment is a time of a message; 0 stands for none.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func readDetails(m *agentpb.Details) Details {
	return Details{m.GetName(), m.GetEmail(), m.GetLabel(), m.GetProfile()}
}

func readPeer(m *agentpb.Peer) WorkPeer {
	return WorkPeer{m.GetSide(), m.GetUserId(), m.GetEmail(), m.GetName(), moment(m.GetSeenUnixMs())}
}

func readQuestion(m *agentpb.Question) *Question {
	q := &Question{
		Step: m.GetStep(), Kind: m.GetKind(), Text: m.GetText(), Wrong: m.GetWrong(), Peer: readPeer(m.GetPeer()), Codes: m.GetCodes(), Code: m.GetCode(),
		Details: readDetails(m.GetDetails()), Person: m.GetPerson(), Invited: m.GetInvited(), Organization: m.GetOrganization(), Label: m.GetLabel(),
		Protection: readProtection(m.GetProtection()), Matter: m.GetMatter(), Reason: m.GetReason(), Since: moment(m.GetSinceUnixMs()),
	}
	for _, p := range m.GetGreeters() {
		q.Greeters = append(q.Greeters, readPeer(p))
	}
	return q
}

func readNotice(m *agentpb.Notice) Notice {
	return Notice{m.GetNumber(), m.GetKind(), m.GetText(), readPeer(m.GetPeer()), m.GetReason(), m.GetBy()}
}

// ListWorks lists the works of the caller's uid, the oldest first.
func (c *Client) ListWorks(ctx context.Context) ([]Work, error) {
	var m agentpb.ListWorksResult
	if err := c.do(ctx, call{op: agent.OpListWorks, in: &agentpb.ListWorks{}, needs: needsWorks}, &m); err != nil {
		return nil, err
	}
	all := make([]Work, 0, len(m.GetWorks()))
	for _, w := range m.GetWorks() {
		all = append(all, readWork(w))
	}
	return all, nil
}

// WatchWork calls each with a work as it is and after each change, with the notices that came since, until the work is over or
// does not run, each returns an error or ctx ends. Whether anybody watches changes nothing for the work.
func (c *Client) WatchWork(ctx context.Context, work string, each func(Work, []Notice) error) error {
	q := call{op: agent.OpWatch, in: &agentpb.Watch{Work: work}, needs: needsWorks, patient: true}
	return c.long(ctx, q, func(l *lease, p *prepared) error {
		return l.stream(p, func(reply []byte) error {
			var m agentpb.WatchResult
			if psa.Unmarshal(reply, &m) != nil {
				return l.nonsense("the state of a work cannot be decoded")
			}
			since := make([]Notice, 0, len(m.GetNotices()))
			for _, n := range m.GetNotices() {
				since = append(since, readNotice(n))
			}
			return each(readWork(m.GetWork()), since)
		})
	})
}

// AnswerWork answers the question of a step. It may be repeated: already says that the step had been answered, and that
// nothing was looked at.
func (c *Client) AnswerWork(ctx context.Context, work string, step uint32, a WorkAnswer) (already bool, err error) {
	in := &agentpb.Answer{
		Work: work, Step: step, Greeter: a.Greeter, Code: a.Code, None: a.None, Yes: a.Yes, No: a.No, Password: a.Password,
		ProviderName: a.Provider, CertificateKey: a.CertificateKey, OneTimeCode: a.OneTimeCode,
	}
	if d := a.Details; d != nil {
		in.Details = d.message()
	}
	var m agentpb.AnswerResult
	err = c.do(ctx, call{op: agent.OpAnswer, in: in, needs: needsWorks}, &m)
	return m.GetAlready(), err
}

func (d *Details) message() *agentpb.Details {
	return &agentpb.Details{Name: d.Name, Email: d.Email, Label: d.Label, Profile: d.Profile}
}

// CancelWork ends a work and has it undone as far as that is possible; forget removes the record of one that is over.
func (c *Client) CancelWork(ctx context.Context, work string, forget bool) (Work, error) {
	var m agentpb.CancelResult
	err := c.do(ctx, call{op: agent.OpCancel, in: &agentpb.Cancel{Work: work, Forget: forget}, needs: needsWorks}, &m)
	return readWork(m.GetWork()), err
}

// Bootstrap says which organisation to make.
type Bootstrap struct {
	Address      string
	SequesterKey []byte
	// Details are of its first user; what is missing is asked.
	Details Details
}

// BeginBootstrap begins to make an organisation, or returns the work that makes it.
func (c *Client) BeginBootstrap(ctx context.Context, b Bootstrap) (w Work, already bool, err error) {
	return c.begin(ctx, &agentpb.Begin{Bootstrap: &agentpb.Begin_Bootstrap{Address: b.Address, SequesterKey: b.SequesterKey, Details: b.Details.message()}})
}

// BeginClaim begins to claim an invitation, or returns the work that claims it. Details are what to ask for; what is missing
// is asked.
func (c *Client) BeginClaim(ctx context.Context, address string, d Details) (w Work, already bool, err error) {
	return c.begin(ctx, &agentpb.Begin{Claim: &agentpb.Begin_Claim{Address: address, Details: d.message()}})
}

// BeginRestore begins to make a device with a recovery file, whose passphrase the caller wipes.
func (c *Client) BeginRestore(ctx context.Context, file, passphrase []byte, d Details) (w Work, already bool, err error) {
	return c.begin(ctx, &agentpb.Begin{Restore: &agentpb.Begin_Restore{File: file, Passphrase: passphrase, Details: d.message()}})
}

// BeginGreet begins to greet who is invited, or returns the work that does. invitation is a token or the first digits of one,
// an address, or the e-mail address of who is invited; profile is what to propose, nothing for the usual one.
func (c *Client) BeginGreet(ctx context.Context, device, invitation, profile string) (w Work, already bool, err error) {
	return c.begin(ctx, &agentpb.Begin{Greet: &agentpb.Begin_Greet{Device: device, Invitation: invitation, Profile: profile}})
}

// begin may be repeated: what has begun is not begun again.
func (c *Client) begin(ctx context.Context, in *agentpb.Begin) (Work, bool, error) {
	var m agentpb.BeginResult
	err := c.do(ctx, call{op: agent.OpBegin, in: in, needs: needsWorks}, &m)
	return readWork(m.GetWork()), m.GetAlready(), err
}
