package enrol

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// greet certifies a user or a device, after people have compared codes (docs/spec/parsec-cloud-client.md 2.3, 2.4).
type greet struct {
	*Desk
	s     *session.Session
	p     Person
	ctx   context.Context //nolint:containedctx // of Run, for notices
	token trust.AccessToken

	me         self
	invitation *Invitation
	peer       Peer
	key        trust.SecretKey // of sealed parts
	// entry and secrets are what was, or is being, certified for the invitation; entry.ID is zero as long as there is nothing.
	entry    Entry
	secrets  secrets
	release  func()
	replaced trust.DeviceID
	patience
}

// Greet returns the flow of somebody who greets whoever was invited. What was begun with this invitation goes on.
func (d *Desk) Greet(s *session.Session, token trust.AccessToken) Flow {
	return &greet{Desk: d, s: s, token: token}
}

// continueGreeting goes on with an entry.
func (d *Desk) continueGreeting(f *file, s *session.Session) (Flow, error) {
	if s == nil {
		return nil, needSession()
	}
	if f.Stage == StageLeft {
		return nil, lost("the device that was certified is nobody's; there is nothing to continue", nil)
	}
	key, err := sealKeyOf(s)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	inner, err := f.open(key)
	if err != nil {
		return nil, foreign(err)
	}
	return d.Greet(s, *inner.Token), nil // the token is the flow's
}

func needSession() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: "the device that began it is not unlocked", Err: ErrNoEntry, Remedy: "parsecctl device unlock"}
}

// foreign is an entry that another device has sealed.
func foreign(err error) error {
	return &wire.Error{Status: wire.StatusInvalidArgument, Reason: "it belongs to another device", Err: err, Remedy: "unlock the device that began it"}
}

// Run greets, or goes on where it was interrupted.
func (g *greet) Run(ctx context.Context, p Person) (Result, error) {
	g.p, g.ctx = p, ctx
	defer g.close()
	if err := g.run(ctx); err != nil {
		return Result{}, explain(err)
	}
	g.tell(Notice{Event: EventDone})
	return g.result(), nil
}

func (g *greet) tell(n Notice) {
	n.Peer = g.peer
	g.p.Tell(g.ctx, n)
}

func (g *greet) close() {
	g.key.Wipe()
	g.secrets.wipe()
	if g.release != nil {
		g.release()
	}
}

func (g *greet) result() Result {
	r := Result{Server: g.me.server, Organization: g.me.organization, Root: g.me.root, Replaced: g.replaced}
	if g.recovers() {
		r.User, r.Human = g.peer.User, g.peer.Human
		return r
	}
	r.User, r.Device, r.Label = *g.entry.User, *g.entry.Device, *g.entry.Label
	r.Human, r.Profile = *g.entry.Human, *g.entry.Profile
	return r
}

func (g *greet) run(ctx context.Context) error {
	if err := g.prepare(ctx); err != nil {
		return err
	}
	var err error
	if g.entry.ID != (EntryID{}) {
		err = g.resume(ctx)
	} else if err = g.usable(); err == nil {
		err = g.attempt(ctx)
	}
	for err != nil && !errors.Is(err, errCompleted) {
		over, is := errors.AsType[*OverError](err)
		if !is {
			return err
		}
		g.tell(overNotice(g.peer, over, err))
		if err := g.again(ctx, g.p, g.peer, over, err); err != nil {
			return err
		}
		err = g.attempt(ctx)
	}
	return g.finish(ctx, err)
}

// finish ends the invitation and the entry. completed is errCompleted where the claimer, or another greeter, ended the invitation.
func (g *greet) finish(ctx context.Context, completed error) error {
	if g.recovers() {
		return g.handedOver(completed)
	}
	if g.entry.ID == (EntryID{}) {
		return unusable("the invitation was used with somebody else", completed)
	}
	if completed == nil {
		err := online(ctx, g.pace, g.tell, func(ctx context.Context) error { return complete(ctx, g.s.Client(), g.token) })
		if err != nil {
			return err
		}
	}
	return g.journal.remove(g.entry.ID)
}

// prepare brings what the greeter has to know.
func (g *greet) prepare(ctx context.Context) (err error) {
	if err = online(ctx, g.pace, g.tell, g.s.Refresh); err != nil {
		return err
	}
	if g.me, err = whoAmI(g.s); err != nil {
		return err
	}
	err = online(ctx, g.pace, g.tell, func(ctx context.Context) (err error) {
		g.invitation, err = FindInvitation(ctx, g.s, g.token)
		return err
	})
	if err != nil {
		return err
	}
	g.peer = Peer{Side: SideClaimer, Human: trust.HumanHandle{Email: g.invitation.Email}}
	switch g.invitation.Address.Type {
	case trust.InviteUser:
		if err := g.me.needAdmin("greet users"); err != nil {
			return err
		}
	case trust.InviteDevice:
		g.peer.User, g.peer.Human = g.me.user, g.me.human
	default:
		if err := g.prepareShares(); err != nil {
			return err
		}
	}
	if g.key, err = sealKeyOf(g.s); err != nil {
		return err
	}
	return g.load()
}

// usable refuses an invitation that is over.
func (g *greet) usable() error {
	switch g.invitation.Status {
	case cloud.InvitationIsFinished:
		return unusable("the invitation was used", nil)
	case cloud.InvitationIsCancelled:
		return unusable("the invitation was cancelled", nil)
	default:
		return nil
	}
}

// load looks for what was certified for the invitation before. What is left of a device that nobody has is not that.
func (g *greet) load() error {
	digest, err := tokenDigest(g.token)
	if err != nil {
		return err
	}
	f, err := g.journal.first(func(e *Entry) bool {
		return !e.Claims() && e.Stage != StageLeft && e.Invitation == digest && e.Organization == g.me.organization && e.Holder == g.me.device
	})
	if errors.Is(err, ErrNoEntry) {
		return nil
	}
	if err != nil {
		return err
	}
	if g.release, err = g.journal.hold(f.ID); err != nil {
		return err
	}
	inner, err := f.open(g.key)
	if err != nil {
		return foreign(err)
	}
	g.entry, g.secrets = f.Entry, *inner
	return nil
}

// resume goes on with what was certified, or was about to be.
func (g *greet) resume(ctx context.Context) error {
	if g.invitation.Status == cloud.InvitationIsFinished {
		return g.finished(ctx)
	}
	if g.invitation.Status == cloud.InvitationIsCancelled {
		return lost("the invitation was cancelled after the keys of who was invited were sent", ErrInvitation)
	}
	l := g.line(*g.secrets.Attempt)
	return g.withLine(ctx, l, func() error {
		if g.entry.Stage == StageCertifying {
			if err := g.recertify(ctx, l); err != nil {
				return err
			}
		}
		return g.deliver(ctx, l)
	})
}

// finished is an invitation that is completed: by the claimer who has the answer, if there are the certificates.
func (g *greet) finished(ctx context.Context) error {
	there, err := g.certified(ctx)
	if err != nil {
		return err
	}
	if !there {
		if err := g.forget(); err != nil {
			return err
		}
	}
	return errCompleted
}

// errCompleted says that the invitation is completed.
var errCompleted = errors.New("the invitation is completed")
