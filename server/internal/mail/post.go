package mail

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/outbox"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Bounds of the queue. Whoever asked for a mail waits for answerTime at most.
const (
	most        = 1000
	workers     = 4
	attemptTime = 30 * time.Second
	answerTime  = 10 * time.Second
)

// pauses are those between attempts.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// perRecipient is how many mails one address gets, whoever asks for them.
var perRecipient = guard.Rate{Burst: 10, PerSecond: 1.0 / 60}

// recipients is how many addresses are remembered.
const recipients = 1 << 14

// Sender hands mails over.
type Sender interface {
	Send(ctx context.Context, from, to string, content []byte) error
}

// Options are what a post needs.
type Options struct {
	Sender Sender
	// From is the address of the server.
	From trust.EmailAddress
	// Server is where links lead.
	Server   trust.ServerAddress
	Texts    *texts.Texts
	Language texts.Language
	Log      *slog.Logger
}

// Post writes mails and sends them. It may be used concurrently.
type Post struct {
	o       Options
	box     *outbox.Box
	limit   *guard.Limiter[string]
	refused atomic.Uint64
}

// New starts a post. It refuses a sender's address that holds more than an address.
func New(o Options) (*Post, error) {
	if !plainAddress(o.From) {
		return nil, errors.New("the sender's address has more in it than relays take: user@host is expected")
	}
	return &Post{
		o: o, limit: guard.NewLimiter[string](perRecipient, recipients),
		box: outbox.New(outbox.Options{Most: most, Workers: workers, Time: attemptTime, Pauses: pauses, Log: o.Log}),
	}, nil
}

// Close waits for mails that are being sent, until the context ends.
func (p *Post) Close(ctx context.Context) { p.box.Close(ctx) }

// Waiting returns how many mails are not sent yet, for metrics; Counts says what became of the others.
func (p *Post) Waiting() int { return p.box.Len() }

// Counts returns what became of attempts, and how many recipients were refused.
func (p *Post) Counts() (c outbox.Counts, refused uint64) { return p.box.Counts(), p.refused.Load() }

// SendInvitation invites somebody.
func (p *Post) SendInvitation(ctx context.Context, m rules.InvitationMail) cloud.EmailSentStatus {
	address := &trust.InvitationAddress{Token: m.Token}
	address.Server, address.Organization = p.o.Server, m.Organization
	d := texts.Data{Organization: m.Organization.String()}
	switch m.Type {
	case cloud.InvitationForUser:
		address.Type, d.Kind = trust.InviteUser, texts.KindUser
	case cloud.InvitationForDevice:
		address.Type, d.Kind = trust.InviteDevice, texts.KindDevice
	case cloud.InvitationForShamirRecovery:
		address.Type, d.Kind = trust.InviteShamirRecovery, texts.KindRecovery
	}
	if m.Greeter != nil {
		d.Greeter = oneLine(m.Greeter.Label.String())
	}
	return p.send(ctx, texts.Invitation, m.To, address, d, m.Greeter)
}

// SendEnrollmentAccepted tells somebody that they were let in.
func (p *Post) SendEnrollmentAccepted(ctx context.Context, m rules.EnrollmentMail) cloud.EmailSentStatus {
	return p.send(ctx, texts.EnrollmentAccepted, m.To, nil, texts.Data{Organization: m.Organization.String()}, nil)
}

// SendTOTPReset gives somebody the link with which one-time codes are set up anew.
func (p *Post) SendTOTPReset(ctx context.Context, m rules.TOTPResetMail) cloud.EmailSentStatus {
	address := &trust.TOTPResetAddress{User: m.User, Token: m.Token}
	address.Server, address.Organization = p.o.Server, m.Organization
	return p.send(ctx, texts.TOTPReset, m.To, address, texts.Data{Organization: m.Organization.String()}, nil)
}

// send writes a mail, and waits for a while for what becomes of it.
func (p *Post) send(
	ctx context.Context, kind texts.Mail, to trust.EmailAddress, address trust.Action, d texts.Data, reply *trust.HumanHandle,
) cloud.EmailSentStatus {
	if !plainAddress(to) {
		p.refused.Add(1)
		return cloud.EmailSentRecipientRefused
	}
	content, err := p.write(kind, to, address, d, reply)
	if err != nil {
		p.o.Log.Error("a mail cannot be written", "mail", string(kind), "error", err)
		return cloud.EmailSentServerUnavailable
	}
	if _, ok := p.limit.Allow(to.String()); !ok {
		p.o.Log.Warn("a mail is not sent: its recipient gets too many", "mail", string(kind), "organization", d.Organization)
		return cloud.EmailSentServerUnavailable
	}
	first, err := p.box.Put(outbox.Job{Name: string(kind) + " mail of " + d.Organization, Do: func(ctx context.Context) error {
		return p.o.Sender.Send(ctx, p.o.From.String(), to.String(), content)
	}})
	if err != nil {
		p.o.Log.Warn("a mail is not sent", "mail", string(kind), "organization", d.Organization, "error", err)
		return cloud.EmailSentServerUnavailable
	}
	return p.outcome(ctx, first)
}

func (p *Post) outcome(ctx context.Context, first <-chan error) cloud.EmailSentStatus {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	select {
	case <-ctx.Done():
		return cloud.EmailSentServerUnavailable
	case err := <-first:
		if _, refused := errors.AsType[*RefusedError](err); refused {
			p.refused.Add(1)
			return cloud.EmailSentRecipientRefused
		}
		if err != nil {
			return cloud.EmailSentServerUnavailable
		}
		return cloud.EmailSentSuccess
	}
}

// write makes the mail. Links are those that existing applications open, and the page that says so to who has none.
func (p *Post) write(kind texts.Mail, to trust.EmailAddress, address trust.Action, d texts.Data, reply *trust.HumanHandle) ([]byte, error) {
	if address != nil {
		native, err := address.URL()
		if err != nil {
			return nil, err
		}
		link, err := cloud.Redirection(native)
		if err != nil {
			return nil, err
		}
		page, err := cloud.OpenPage(native)
		if err != nil {
			return nil, err
		}
		d.Link, d.Page = link, page
	}
	subject, plain, rich, err := p.o.Texts.Mail(kind, p.o.Language, d)
	if err != nil {
		return nil, err
	}
	m := message{
		from: p.o.From.String(), to: to.String(), subject: subject, plain: plain, rich: rich, reply: reply, language: p.o.Language, date: time.Now(),
	}
	return m.write()
}
