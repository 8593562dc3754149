package enrol

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Invitation is an invitation as those see it who may greet.
type Invitation struct {
	Address trust.InvitationAddress
	Status  cloud.InvitationStatus
	// Email is who was invited, empty for a device.
	Email trust.EmailAddress
	// Claimer is whose recovery it is, zero for others.
	Claimer trust.UserID
	By      cloud.InvitationCreatedBy
	Created trust.DateTime
}

// Invited is a new invitation, or the one that waited already.
type Invited struct {
	Address trust.InvitationAddress
	// Mail says what came of the mail, if one was asked for: the invitation is there all the same.
	Mail cloud.EmailSentStatus
}

// Links returns the two forms of an address: the one that browsers follow, and the native one. Both are as secret as the token in them.
func Links(a trust.Action) (browser, native string, err error) {
	if native, err = a.URL(); err != nil {
		return "", "", err
	}
	browser, err = cloud.Redirection(native)
	return browser, native, err
}

// InviteUser invites somebody to become a user.
func InviteUser(ctx context.Context, s *session.Session, email trust.EmailAddress, mail bool) (*Invited, error) {
	rep, err := cloud.Do(ctx, s.Client(), &cloud.InviteNewUserReq{ClaimerEmail: email, SendEmail: mail})
	if err != nil {
		return nil, explain(err)
	}
	switch rep := rep.(type) {
	case *cloud.InviteNewUserOK:
		return invited(s, trust.InviteUser, rep.Token, rep.EmailSent)
	case *cloud.AuthorNotAllowed:
		return nil, refused("only administrators may invite users", "ask an administrator of the organisation")
	case *cloud.ClaimerEmailAlreadyEnrolled:
		return nil, &wire.Error{
			Status: wire.StatusAlreadyExists, Object: fmt.Sprintf("address %q", email.String()), Reason: "it is the address of a user already", Err: ErrRefused,
			Remedy: "parsecctl user list",
		}
	default:
		return nil, unexpected(rep)
	}
}

// InviteDevice invites oneself to another device.
func InviteDevice(ctx context.Context, s *session.Session, mail bool) (*Invited, error) {
	rep, err := cloud.Do(ctx, s.Client(), &cloud.InviteNewDeviceReq{SendEmail: mail})
	if err != nil {
		return nil, explain(err)
	}
	ok, is := rep.(*cloud.InviteNewDeviceOK)
	if !is {
		return nil, unexpected(rep)
	}
	return invited(s, trust.InviteDevice, ok.Token, ok.EmailSent)
}

// InviteRecovery invites somebody, of whose shared recovery this user holds shares, to come back.
func InviteRecovery(ctx context.Context, s *session.Session, owner trust.UserID, mail bool) (*Invited, error) {
	rep, err := cloud.Do(ctx, s.Client(), &cloud.InviteNewShamirRecoveryReq{ClaimerUserID: owner, SendEmail: mail})
	if err != nil {
		return nil, explain(err)
	}
	switch rep := rep.(type) {
	case *cloud.InviteNewShamirRecoveryOK:
		return invited(s, trust.InviteShamirRecovery, rep.Token, rep.EmailSent)
	case *cloud.AuthorNotAllowed:
		return nil, noRecovery(s, owner)
	case *cloud.UserNotFound:
		return nil, &wire.Error{Status: wire.StatusDoesNotExist, Object: fmt.Sprintf("user %s", owner), Reason: "there is no such user", Err: ErrRefused, Remedy: "parsecctl user list"}
	default:
		return nil, unexpected(rep)
	}
}

// noRecovery says why nobody is invited back, as far as the certificates tell.
func noRecovery(s *session.Session, owner trust.UserID) error {
	var known, deleted bool
	err := s.View(func(certificates *trust.Store) error {
		r, ok := certificates.Recovery(owner)
		known, deleted = ok, ok && r.Deleted != nil
		return nil
	})
	switch {
	case err != nil:
		return explain(err)
	case deleted:
		return refused("that recovery was deleted", "an administrator can revoke the user and invite the person anew")
	case !known:
		return refused("you hold no share of that recovery", "ask somebody who does")
	default:
		return refused("the server says that you hold no share of that recovery", "parsecctl recovery status")
	}
}

func invited(s *session.Session, kind trust.InvitationType, token trust.AccessToken, mail cloud.EmailSentStatus) (*Invited, error) {
	a, err := addressOf(s, kind, token)
	return &Invited{Address: a, Mail: mail}, err
}

// addressOf is the address of an invitation on the session's server.
func addressOf(s *session.Session, kind trust.InvitationType, token trust.AccessToken) (a trust.InvitationAddress, err error) {
	err = s.Use(func(d *trust.LocalDevice) error {
		a = trust.InvitationAddress{Type: kind, Token: token}
		a.Server, a.Organization = d.Server, d.OrganizationID
		return nil
	})
	return a, err
}

// Invitations lists all invitations that the user may see, those that are over too.
func Invitations(ctx context.Context, s *session.Session) ([]Invitation, error) {
	rep, err := cloud.Do(ctx, s.Client(), &cloud.InviteListReq{})
	if err != nil {
		return nil, explain(err)
	}
	ok, is := rep.(*cloud.InviteListOK)
	if !is {
		return nil, unexpected(rep)
	}
	all := make([]Invitation, 0, len(ok.Invitations))
	for _, item := range ok.Invitations {
		i, err := invitation(s, item)
		if err != nil {
			return nil, err
		}
		all = append(all, i)
	}
	return all, nil
}

func invitation(s *session.Session, item cloud.InviteListItem) (i Invitation, err error) {
	var kind trust.InvitationType
	var token trust.AccessToken
	switch item := item.(type) {
	case *cloud.InviteListItemUser:
		i = Invitation{Status: item.Status, Email: item.ClaimerEmail, By: item.CreatedBy, Created: item.CreatedOn}
		kind, token = trust.InviteUser, item.Token
	case *cloud.InviteListItemDevice:
		i = Invitation{Status: item.Status, By: item.CreatedBy, Created: item.CreatedOn}
		kind, token = trust.InviteDevice, item.Token
	case *cloud.InviteListItemShamirRecovery:
		i = Invitation{Status: item.Status, Claimer: item.ClaimerUserID, By: item.CreatedBy, Created: item.CreatedOn}
		kind, token = trust.InviteShamirRecovery, item.Token
	default:
		return i, meddling("an invitation of no kind")
	}
	i.Address, err = addressOf(s, kind, token)
	return i, err
}

// FindInvitation returns one of the invitations that the user may see.
func FindInvitation(ctx context.Context, s *session.Session, token trust.AccessToken) (*Invitation, error) {
	all, err := Invitations(ctx, s)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Address.Token.Equal(token) {
			return &all[i], nil
		}
	}
	return nil, &wire.Error{Status: wire.StatusDoesNotExist, Reason: "there is no such invitation that you could greet", Err: ErrInvitation, Remedy: "parsecctl invite list"}
}

// CancelInvitation ends an invitation. One that is cancelled already is no error.
func CancelInvitation(ctx context.Context, s *session.Session, token trust.AccessToken) error {
	rep, err := cloud.Do(ctx, s.Client(), &cloud.InviteCancelReq{Token: token})
	if err != nil {
		return explain(err)
	}
	switch rep := rep.(type) {
	case *cloud.OK, *cloud.InvitationAlreadyCancelled:
		return nil
	case *cloud.InvitationNotFound:
		return &wire.Error{Status: wire.StatusDoesNotExist, Reason: "there is no such invitation", Err: ErrInvitation, Remedy: "parsecctl invite list"}
	case *cloud.AuthorNotAllowed:
		return refused("the invitation is not yours to cancel", "ask who made it")
	case *cloud.InvitationCompleted:
		return &wire.Error{Status: wire.StatusBadState, Reason: "the invitation was used", Err: ErrInvitation, Remedy: "parsecctl user list, or device list"}
	default:
		return unexpected(rep)
	}
}

// complete marks an invitation as used. One that is over already is no error.
func complete(ctx context.Context, c *cloud.Caller, token trust.AccessToken) error {
	rep, err := cloud.Do(ctx, c, &cloud.InviteCompleteReq{Token: token})
	if err != nil {
		return err
	}
	switch rep := rep.(type) {
	case *cloud.OK, *cloud.InvitationAlreadyCompleted, *cloud.InvitationCancelled, *cloud.InvitationNotFound:
		return nil
	default:
		return unexpected(rep)
	}
}
