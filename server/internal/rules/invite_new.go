package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteNewUser is 3.7: author, address. Whoever is invited already is told of the same invitation again.
func (s *Service) inviteNewUser(ctx context.Context, c *Call, req *cloud.InviteNewUserReq) (cloud.InviteNewUserRep, error) {
	email := req.ClaimerEmail.String()
	mail := InvitationMail{Organization: c.Organization, Type: cloud.InvitationForUser, To: req.ClaimerEmail}
	rep, err := write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, a *tables.Author) (cloud.InviteNewUserRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		taken, err := tables.ActiveUser(ctx, tx, c.Org, email)
		if err != nil {
			return nil, err
		}
		if taken != nil {
			return &cloud.ClaimerEmailAlreadyEnrolled{}, nil
		}
		if mail.Greeter, err = c.inviter(ctx, tx); err != nil {
			return nil, err
		}
		token, err := s.invite(ctx, tx, c, &tables.Invitation{Kind: tables.ForUser, Email: &email})
		return &cloud.InviteNewUserOK{Token: token}, err
	})
	if ok, is := rep.(*cloud.InviteNewUserOK); err == nil && is {
		mail.Token = ok.Token
		ok.EmailSent = s.mailInvitation(ctx, req.SendEmail, mail)
	}
	return rep, err
}

// inviteNewDevice is 3.7: everybody may invite a device of their own.
func (s *Service) inviteNewDevice(ctx context.Context, c *Call, req *cloud.InviteNewDeviceReq) (cloud.InviteNewDeviceRep, error) {
	mail := InvitationMail{Organization: c.Organization, Type: cloud.InvitationForDevice}
	rep, err := write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (*cloud.InviteNewDeviceOK, error) {
		own, err := c.inviter(ctx, tx)
		if err != nil {
			return nil, err
		}
		mail.To = own.Email
		token, err := s.invite(ctx, tx, c, &tables.Invitation{Kind: tables.ForDevice, Claimer: &c.User})
		return &cloud.InviteNewDeviceOK{Token: token}, err
	})
	if err != nil {
		return nil, err
	}
	mail.Token = rep.Token
	rep.EmailSent = s.mailInvitation(ctx, req.SendEmail, mail)
	return rep, nil
}

// inviteNewShamirRecovery is 3.7: user, set-up, and the author being one of its recipients.
func (s *Service) inviteNewShamirRecovery(ctx context.Context, c *Call, req *cloud.InviteNewShamirRecoveryReq) (cloud.InviteNewShamirRecoveryRep, error) {
	mail := InvitationMail{Organization: c.Organization, Type: cloud.InvitationForShamirRecovery}
	rep, err := write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteNewShamirRecoveryRep, error) {
		claimer, err := tables.GetUser(ctx, tx, c.Org, req.ClaimerUserID)
		if err != nil {
			return nil, err
		}
		if claimer == nil {
			return &cloud.UserNotFound{}, nil
		}
		of, err := findSetup(ctx, tx, c.Org, claimer.ID, nil)
		if err != nil {
			return nil, err
		}
		if of == nil || of.deleted || of.shares[c.User] == 0 {
			return &cloud.AuthorNotAllowed{}, nil
		}
		if mail.Greeter, err = c.inviter(ctx, tx); err != nil {
			return nil, err
		}
		if mail.To, err = trust.NewEmailAddress(claimer.Email); err != nil {
			return nil, err
		}
		token, err := s.invite(ctx, tx, c, &tables.Invitation{Kind: tables.ForShamirRecovery, Claimer: &claimer.ID, SetupOn: &of.createdOn})
		return &cloud.InviteNewShamirRecoveryOK{Token: token}, err
	})
	if ok, is := rep.(*cloud.InviteNewShamirRecoveryOK); err == nil && is {
		mail.Token = ok.Token
		ok.EmailSent = s.mailInvitation(ctx, req.SendEmail, mail)
	}
	return rep, err
}

// inviter is who the caller is.
func (c *Call) inviter(ctx context.Context, tx *store.Tx) (*trust.HumanHandle, error) {
	u, err := tables.GetUser(ctx, tx, c.Org, c.User)
	if err != nil {
		return nil, err
	}
	h, err := handleOf(u)
	return &h, err
}

// invite makes an invitation, or finds the one that waits for the same, and tells of it.
func (s *Service) invite(ctx context.Context, tx *store.Tx, c *Call, i *tables.Invitation) (token trust.AccessToken, err error) {
	waits, err := tables.PendingInvitation(ctx, tx, c.Org, i)
	switch {
	case err != nil:
		return token, err
	case waits != nil:
		token, err = s.invitationToken(c.Org, waits)
	default:
		token = trust.GenerateAccessToken()
		err = s.addInvitation(ctx, tx, c, i, token)
	}
	if err != nil {
		return token, err
	}
	return token, emitInvitation(ctx, tx, c, i, token, cloud.InvitationIsPending)
}

func (s *Service) addInvitation(ctx context.Context, tx *store.Tx, c *Call, i *tables.Invitation, token trust.AccessToken) (err error) {
	i.CreatedOn, i.CreatedBy = c.Now, c.User
	if i.Num, err = tables.NextInvitation(ctx, tx, c.Org); err != nil {
		return err
	}
	if err := s.seal(c.Org, i, token); err != nil {
		return err
	}
	return tables.InsertInvitation(ctx, tx, c.Org, i)
}
