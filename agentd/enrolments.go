package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/works"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// A work and an entry of the journal of enrolments are about the same if their keys are: the record says what became of it, the journal has what
// must not be lost.

// bootstrapSpec is of an organisation that is made.
func bootstrapSpec(server trust.ServerAddress, organization trust.OrganizationID) works.Spec {
	name := fmt.Sprintf("organisation %q on %s", organization, server.Host())
	return works.Spec{Kind: works.KindBootstrap, Key: server.String() + " " + organization.String(), Subject: name}
}

// claimSpec is of an invitation that is claimed.
func claimSpec(organization trust.OrganizationID, id trust.HashDigest, device bool) works.Spec {
	what := "an invitation"
	if device {
		what = "an invitation of another device"
	}
	return works.Spec{Kind: works.KindClaim, Key: id.String(), Subject: fmt.Sprintf("%s into %q", what, organization)}
}

// restoreSpec is of a device that a recovery file makes.
func restoreSpec(organization trust.OrganizationID, id trust.HashDigest) works.Spec {
	return works.Spec{Kind: works.KindClaim, Key: id.String(), Subject: fmt.Sprintf("a recovery file into %q", organization)}
}

// greetSpec is of somebody who is greeted.
func greetSpec(organization trust.OrganizationID, by trust.DeviceID, id trust.HashDigest, who string) works.Spec {
	return works.Spec{Kind: works.KindGreet, Key: by.String() + " " + id.String(), Subject: fmt.Sprintf("%s into %q", who, organization), Device: by.String()}
}

// specOf is what an entry of the journal is about.
func specOf(e *enrol.Entry) works.Spec {
	switch e.Work {
	case enrol.WorkBootstrap:
		return bootstrapSpec(e.Server, e.Organization)
	case enrol.WorkClaimUser, enrol.WorkClaimDevice:
		return claimSpec(e.Organization, e.Invitation, e.Work == enrol.WorkClaimDevice)
	case enrol.WorkRecover:
		return claimSpec(e.Organization, e.Invitation, false)
	case enrol.WorkGreetUser:
		who := "somebody"
		if e.Human != nil {
			who = e.Human.Email.String()
		}
		return greetSpec(e.Organization, e.Holder, e.Invitation, who)
	default:
		return greetSpec(e.Organization, e.Holder, e.Invitation, "a device")
	}
}

// entry returns the entry of the journal that is about the same as a work, nil if there is none that could go on.
func (p *person) entry(kind works.Kind, key string) *enrol.Entry {
	all, _, err := p.desk.List()
	if err != nil {
		p.log.LogAttrs(p.ctx, slog.LevelWarn, "journal_unreadable", slog.Any("error", err))
		return nil
	}
	for i := range all {
		if s := specOf(&all[i]); s.Kind == kind && s.Key == key && all[i].Stage != enrol.StageLeft {
			return &all[i]
		}
	}
	return nil
}

// flow runs a flow as a work.
func (p *person) flow(s works.Spec, preset *agentpb.Details, begin func() (enrol.Flow, error)) works.Run {
	return func(ctx context.Context, c *works.Conversation) (*works.Result, error) {
		f, err := begin()
		if err != nil {
			return nil, p.interrupted(s, err)
		}
		r, err := f.Run(ctx, &asked{c: c, preset: preset})
		if err != nil {
			return nil, p.interrupted(s, err)
		}
		return resultOf(&r), nil
	}
}

// interrupted marks the errors after which a work can go on.
func (p *person) interrupted(s works.Spec, err error) error {
	switch {
	case errors.Is(err, enrol.ErrCancelled):
		return err
	case gone(err):
		return works.Later(lockedError())
	case p.entry(s.Kind, s.Key) != nil:
		return works.Later(organizationError(err))
	default:
		return organizationError(err)
	}
}

func resultOf(r *enrol.Result) *works.Result {
	fingerprint := session.FingerprintOf(r.Root)
	result := &works.Result{
		Server: r.Server.String(), Organization: r.Organization.String(), Fingerprint: fingerprint.String(), User: r.User.String(), Device: r.Device.String(),
		Name: r.Human.Label.String(), Email: r.Human.Email.String(), Label: r.Label.String(),
	}
	if r.Profile != 0 {
		result.Profile = r.Profile.String()
	}
	if r.Replaced != (trust.DeviceID{}) {
		result.Replaced = r.Replaced.String()
	}
	return result
}

// continued is the run of a work that goes on with an entry; nil if its greeter is locked.
func (p *person) continued(e *enrol.Entry) works.Run {
	id, s := e.ID, specOf(e)
	if e.Claims() {
		return p.flow(s, nil, func() (enrol.Flow, error) { return p.desk.Continue(id, nil) })
	}
	in := p.signedInAs(e.Holder)
	if in == nil {
		return nil
	}
	return p.flow(s, nil, func() (enrol.Flow, error) {
		<-in.opened
		if in.err != nil {
			return nil, in.err
		}
		return p.desk.Continue(id, in.session)
	})
}

// reconcile goes on with what the journal has, and ends the works of which it has nothing.
func (p *person) reconcile() {
	entries, _, err := p.desk.List()
	if err != nil {
		p.log.LogAttrs(p.ctx, slog.LevelWarn, "journal_unreadable", slog.Any("error", err))
		return
	}
	for i := range entries {
		if e := &entries[i]; e.Stage != enrol.StageLeft {
			p.adopt(e)
		}
	}
	waiting, err := p.works.Waiting()
	if err != nil {
		p.log.LogAttrs(p.ctx, slog.LevelWarn, "works_unreadable", slog.Any("error", err))
		return
	}
	for _, w := range waiting {
		if p.entry(w.Kind, w.Key) == nil {
			p.works.Fail(w.ID, &wire.Error{
				Status: wire.StatusBadState, Reason: "the agent was started again before anything of it had to be kept", Remedy: "begin it again",
			})
		}
	}
}

// adopt has a work for an entry, which runs if it can.
func (p *person) adopt(e *enrol.Entry) {
	run := p.continued(e)
	m, _, err := p.works.Begin(specOf(e), run)
	if err != nil {
		p.log.LogAttrs(p.ctx, slog.LevelWarn, "work_not_begun", slog.Any("error", err))
		return
	}
	if run == nil {
		p.works.Hold(m.GetWorkId(), lockedError())
	}
}

// goOnGreeting goes on with what the device of a session had begun.
func (p *person) goOnGreeting(s *session.Session) {
	entries, _, err := p.desk.List()
	if err != nil {
		return // reconcile says so
	}
	for i := range entries {
		if e := &entries[i]; !e.Claims() && e.Holder == s.DeviceID() && e.Stage != enrol.StageLeft {
			p.adopt(e)
		}
	}
}

// goOn runs a work that waits, if it can go on.
func (p *person) goOn(id string) {
	waiting, err := p.works.Waiting()
	if err != nil {
		return // who asks next is told
	}
	for _, w := range waiting {
		if w.ID != id {
			continue
		}
		if e := p.entry(w.Kind, w.Key); e != nil {
			p.adopt(e)
		}
	}
}

// giveUp has the journal forget what a cancelled work was about: keys of newcomers go, a user who was certified is revoked.
func (p *person) giveUp(ctx context.Context, w works.Waiting) error {
	e := p.entry(w.Kind, w.Key)
	if e == nil {
		return nil
	}
	var as *session.Session
	if !e.Claims() {
		var err error
		if as, err = p.session(ctx, e.Holder); err != nil {
			return err
		}
	}
	return organizationError(p.desk.GiveUp(ctx, e.ID, as))
}
