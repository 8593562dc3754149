package agentd

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// invitationMessage is an invitation as frontends get it, with its token: whoever may see it may pass the link on.
func invitationMessage(i *enrol.Invitation) (*agentpb.Invitation, error) {
	link, _, err := enrol.Links(&i.Address)
	if err != nil {
		return nil, err
	}
	token, err := i.Address.Token.Hex()
	if err != nil {
		return nil, err
	}
	m := &agentpb.Invitation{
		Token: token, Kind: invitationKinds[i.Address.Type], Status: invitationStates[i.Status], Address: link,
		Email: i.Email.String(), CreatedUnixMs: i.Created.Time().UnixMilli(),
	}
	switch by := i.By.(type) {
	case *cloud.CreatedByUser:
		m.CreatedBy = by.HumanHandle.Email.String()
	case *cloud.CreatedByExternalService:
		m.CreatedBy = text(by.ServiceLabel)
	}
	return m, nil
}

var invitationKinds = map[trust.InvitationType]string{trust.InviteUser: "user", trust.InviteDevice: "device", trust.InviteShamirRecovery: "recovery"}

var invitationStates = map[cloud.InvitationStatus]string{
	cloud.InvitationIsPending: "pending", cloud.InvitationIsFinished: "finished", cloud.InvitationIsCancelled: "cancelled",
}

var mailStates = map[cloud.EmailSentStatus]string{
	cloud.EmailSentSuccess: "sent", cloud.EmailSentServerUnavailable: "the server's mail does not work", cloud.EmailSentRecipientRefused: "the recipient was refused",
}

func decodeNewInvitation(r *request) (action, error) {
	m := &agentpb.NewInvitation{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if err := one(m.GetEmail() != "", m.GetOwnDevice(), m.GetRecoveryOf() != ""); err != nil {
		return nil, err
	}
	var email trust.EmailAddress
	if m.GetEmail() != "" {
		var err error
		if email, err = trust.NewEmailAddress(m.GetEmail()); err != nil {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "this is no e-mail address: %v", err)
		}
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		before, err := enrol.Invitations(ctx, s)
		if err != nil {
			return nil, organizationError(err)
		}
		var made *enrol.Invited
		switch {
		case m.GetOwnDevice():
			made, err = enrol.InviteDevice(ctx, s, m.GetSendMail())
		case m.GetRecoveryOf() != "":
			made, err = inviteRecovery(ctx, s, m.GetRecoveryOf(), m.GetSendMail())
		default:
			made, err = enrol.InviteUser(ctx, s, email, m.GetSendMail())
		}
		if err != nil {
			return nil, organizationError(err)
		}
		i, err := enrol.FindInvitation(ctx, s, made.Address.Token)
		if err != nil {
			return nil, organizationError(err)
		}
		out, err := invitationMessage(i)
		if err != nil {
			return nil, err
		}
		if out.Mail = "not asked for"; m.GetSendMail() {
			out.Mail = mailStates[made.Mail]
		}
		return psa.Marshal(&agentpb.NewInvitationResult{Invitation: out, Already: contains(before, made.Address.Token)})
	}, nil
}

func contains(all []enrol.Invitation, token trust.AccessToken) bool {
	for i := range all {
		if all[i].Address.Token.Equal(token) {
			return true
		}
	}
	return false
}

func decodeListInvitations(r *request) (action, error) {
	m := &agentpb.ListInvitations{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		all, err := enrol.Invitations(ctx, s)
		if err != nil {
			return nil, organizationError(err)
		}
		result := &agentpb.ListInvitationsResult{}
		for i := range all {
			if all[i].Status != cloud.InvitationIsPending && !m.GetAll() {
				continue
			}
			out, err := invitationMessage(&all[i])
			if err != nil {
				return nil, err
			}
			result.Invitations = append(result.Invitations, out)
		}
		return psa.Marshal(result)
	}, nil
}

func decodeCancelInvitation(r *request) (action, error) {
	m := &agentpb.CancelInvitation{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		i, err := findInvitation(ctx, s, m.GetInvitation())
		if err != nil {
			return nil, err
		}
		if err := enrol.CancelInvitation(ctx, s, i.Address.Token); err != nil {
			return nil, organizationError(err)
		}
		i.Status = cloud.InvitationIsCancelled
		out, err := invitationMessage(i)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.CancelInvitationResult{Invitation: out})
	}, nil
}
