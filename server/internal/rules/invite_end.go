package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteCancel is 3.7: token, cancelled, completed, author.
func (s *Service) inviteCancel(ctx context.Context, c *Call, req *cloud.InviteCancelReq) (cloud.InviteCancelRep, error) {
	return write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteCancelRep, error) {
		i, now, err := s.byToken(ctx, tx, c, req.Token)
		switch {
		case err != nil:
			return nil, err
		case i == nil:
			return &cloud.InvitationNotFound{}, nil
		case now == tables.Cancelled:
			return &cloud.InvitationAlreadyCancelled{}, nil
		case now == tables.Finished:
			return &cloud.InvitationCompleted{}, nil
		}
		if may, err := c.mayEnd(ctx, tx, i); err != nil || !may {
			return &cloud.AuthorNotAllowed{}, err
		}
		return &cloud.OK{}, c.end(ctx, tx, i, req.Token, tables.Cancelled, cloud.InvitationIsCancelled)
	})
}

// inviteComplete is 3.7: token, cancelled, completed, author.
func (s *Service) inviteComplete(ctx context.Context, c *Call, req *cloud.InviteCompleteReq) (cloud.InviteCompleteRep, error) {
	return write(ctx, s, c, c.inInvitations(), func(tx *store.Tx, _ *tables.Author) (cloud.InviteCompleteRep, error) {
		i, now, err := s.byToken(ctx, tx, c, req.Token)
		switch {
		case err != nil:
			return nil, err
		case i == nil:
			return &cloud.InvitationNotFound{}, nil
		case now == tables.Cancelled:
			return &cloud.InvitationCancelled{}, nil
		case now == tables.Finished:
			return &cloud.InvitationAlreadyCompleted{}, nil
		}
		if may, err := c.mayEnd(ctx, tx, i); err != nil || !may {
			return &cloud.AuthorNotAllowed{}, err
		}
		return &cloud.OK{}, c.end(ctx, tx, i, req.Token, tables.Finished, cloud.InvitationIsFinished)
	})
}

// byToken finds an invitation, nil for none, and its state now.
func (s *Service) byToken(ctx context.Context, tx *store.Tx, c *Call, token trust.AccessToken) (i *tables.Invitation, now tables.InvitationState, err error) {
	digest, err := s.digest(purposeInvitation, token)
	if err != nil {
		return nil, 0, err
	}
	i, err = tables.FindInvitation(ctx, tx, c.Org, digest)
	if err != nil || i == nil {
		return nil, 0, err
	}
	now, err = invitationState(ctx, tx, c.Org, i)
	return i, now, err
}

// mayEnd reports whether the caller may greet, or is who was invited.
func (c *Call) mayEnd(ctx context.Context, tx *store.Tx, i *tables.Invitation) (bool, error) {
	u, err := tables.GetUser(ctx, tx, c.Org, c.User)
	if err != nil {
		return false, err
	}
	if i.Email != nil && *i.Email == u.Email || i.Claimer != nil && *i.Claimer == u.ID {
		return true, nil
	}
	return mayGreet(ctx, tx, c.Org, i, u)
}

func (c *Call) end(ctx context.Context, tx *store.Tx, i *tables.Invitation, token trust.AccessToken, s tables.InvitationState, status cloud.InvitationStatus) error {
	if err := tables.EndInvitation(ctx, tx, c.Org, i.Num, s, c.Now); err != nil {
		return err
	}
	return emitInvitation(ctx, tx, c, i, token, status)
}
