package agentd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// decodeBegin begins a work, or returns the one that has begun about the same.
func decodeBegin(r *request) (action, error) {
	m := &agentpb.Begin{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if err := one(m.GetBootstrap() != nil, m.GetClaim() != nil, m.GetGreet() != nil, m.GetRestore() != nil); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		var work *agentpb.Work
		var already bool
		var err error
		switch {
		case m.GetBootstrap() != nil:
			work, already, err = r.person().bootstrap(m.GetBootstrap()) //nolint:contextcheck // works and sessions outlive the request
		case m.GetClaim() != nil:
			work, already, err = r.person().claim(m.GetClaim()) //nolint:contextcheck // works and sessions outlive the request
		case m.GetRestore() != nil:
			work, already, err = r.restore(ctx, m.GetRestore())
		default:
			work, already, err = r.greet(ctx, m.GetGreet())
		}
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.BeginResult{Work: work, Already: already})
	}, nil
}

// addressError is an address that is not of the kind that was asked for. What it says is not repeated: it may hold a token.
func addressError(want string, err error) error {
	reason := "it is an address of another kind"
	if err != nil {
		reason = fmt.Sprintf("it cannot be read: %v", err)
	}
	return &wire.Error{
		Status: wire.StatusInvalidArgument, Object: "the address", Reason: reason,
		Remedy: "copy the whole of " + want + ", which begins with parsec3:// or https://; parsecctl inspect says what an address is",
	}
}

func (p *person) bootstrap(m *agentpb.Begin_Bootstrap) (*agentpb.Work, bool, error) {
	a, err := trust.ParseAction(m.GetAddress())
	b, ok := a.(*trust.BootstrapAddress)
	if err != nil || !ok {
		return nil, false, addressError("the address from whoever runs the server", err)
	}
	if len(m.GetSequesterKey()) > 0 {
		if _, err := p.desk.Bootstrap(b, m.GetSequesterKey()); err != nil { // a wrong key is said at once
			return nil, false, err
		}
	}
	s := bootstrapSpec(b.Server, b.Organization)
	return p.works.Begin(s, p.flow(s, m.GetDetails(), func() (enrol.Flow, error) { return p.desk.Bootstrap(b, m.GetSequesterKey()) }))
}

func (p *person) claim(m *agentpb.Begin_Claim) (*agentpb.Work, bool, error) {
	a, err := trust.ParseAction(m.GetAddress())
	i, ok := a.(*trust.InvitationAddress)
	if err != nil || !ok {
		return nil, false, addressError("the link of the invitation", err)
	}
	if _, err := p.desk.Claim(i); err != nil { // one that cannot be claimed is said at once
		return nil, false, err
	}
	id, err := enrol.InvitationID(i.Token)
	if err != nil {
		return nil, false, err
	}
	s := claimSpec(i.Organization, id, i.Type == trust.InviteDevice)
	return p.works.Begin(s, p.flow(s, m.GetDetails(), func() (enrol.Flow, error) { return p.desk.Claim(i) }))
}

// restore begins what makes a device with a recovery file.
func (r *request) restore(ctx context.Context, m *agentpb.Begin_Restore) (*agentpb.Work, bool, error) {
	defer clear(m.GetPassphrase())
	p := r.person()
	lost, err := r.devices().OpenRecovery(ctx, m.GetFile(), m.GetPassphrase())
	if err != nil {
		return nil, false, err
	}
	s := restoreSpec(lost.OrganizationID, enrol.RecoveryID(lost.DeviceID))
	flow, err := p.desk.Restore(lost)
	if err != nil {
		lost.Wipe()
		return nil, false, err
	}
	work, already, err := p.works.Begin(s, p.flow(s, m.GetDetails(), func() (enrol.Flow, error) { return flow, nil })) //nolint:contextcheck // works and sessions outlive the request
	if err != nil || already {                                                                                         // it does not run
		lost.Wipe()
	}
	return work, already, err
}

func (r *request) greet(ctx context.Context, m *agentpb.Begin_Greet) (*agentpb.Work, bool, error) {
	if m.GetProfile() != "" {
		if _, err := trust.ParseProfile(m.GetProfile()); err != nil {
			return nil, false, wire.Errorf(wire.StatusInvalidArgument, "no profile is called %q", text(m.GetProfile()))
		}
	}
	s, err := r.session(ctx, m.GetDevice())
	if err != nil {
		return nil, false, err
	}
	i, err := findInvitation(ctx, s, m.GetInvitation())
	if err != nil {
		return nil, false, err
	}
	id, err := enrol.InvitationID(i.Address.Token)
	if err != nil {
		return nil, false, err
	}
	p, what := r.person(), greetSpec(s.Organization(), s.DeviceID(), id, invitedName(i))
	preset := &agentpb.Details{Profile: m.GetProfile()}
	return p.works.Begin(what, p.flow(what, preset, func() (enrol.Flow, error) { return p.desk.Greet(s, i.Address.Token), nil })) //nolint:contextcheck // works and sessions outlive the request
}

// invitedName says who was invited.
func invitedName(i *enrol.Invitation) string {
	switch i.Address.Type {
	case trust.InviteUser:
		return i.Email.String()
	case trust.InviteDevice:
		return "a device of yours"
	default:
		return "somebody who lost their devices"
	}
}

// shortestToken is how many digits of a token are enough to try.
const shortestToken = 4

// findInvitation returns the pending invitation that a text means: its address, its token or the first digits of it, or the
// e-mail address of who is invited; an empty text means the only one of an own device.
func findInvitation(ctx context.Context, s *session.Session, text string) (*enrol.Invitation, error) {
	all, err := enrol.Invitations(ctx, s)
	if err != nil {
		return nil, organizationError(err)
	}
	fits, err := invitationFilter(text)
	if err != nil {
		return nil, err
	}
	var found []*enrol.Invitation
	for i := range all {
		if all[i].Status == cloud.InvitationIsPending && fits(&all[i]) {
			found = append(found, &all[i])
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, &wire.Error{Status: wire.StatusDoesNotExist, Reason: "no invitation that waits for somebody fits", Remedy: "parsecctl invite list"}
	default:
		return nil, &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%d invitations fit", len(found)), Remedy: "name one by its token: parsecctl invite list",
		}
	}
}

func invitationFilter(text string) (func(*enrol.Invitation) bool, error) {
	switch {
	case text == "":
		return func(i *enrol.Invitation) bool { return i.Address.Type == trust.InviteDevice }, nil
	case strings.Contains(text, "://"):
		a, err := trust.ParseAction(text)
		link, ok := a.(*trust.InvitationAddress)
		if err != nil || !ok {
			return nil, addressError("the link of the invitation", err)
		}
		return func(i *enrol.Invitation) bool { return i.Address.Token.Equal(link.Token) }, nil
	case strings.Contains(text, "@"):
		return func(i *enrol.Invitation) bool { return strings.EqualFold(i.Email.String(), text) }, nil
	case len(text) < shortestToken:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "at least %d digits of a token are needed", shortestToken)
	default:
		return func(i *enrol.Invitation) bool {
			token, err := i.Address.Token.Hex()
			return err == nil && strings.HasPrefix(token, strings.ToLower(text))
		}, nil
	}
}
