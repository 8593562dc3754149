package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Invited finds what a token invites to, or the status with which its bearer is refused (1.4).
func (s *Service) Invited(ctx context.Context, c *Call, token trust.AccessToken) error {
	digest, err := s.digest(purposeInvitation, token)
	if err != nil {
		return err
	}
	return s.Store.Read(ctx, func(tx *store.Tx) error {
		o, err := tables.FindOrganization(ctx, tx, c.Organization)
		switch {
		case err != nil:
			return err
		case o == nil:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
		case o.Expired:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
		}
		i, err := tables.FindInvitation(ctx, tx, o.Num, digest)
		switch {
		case err != nil:
			return err
		case i == nil:
			return &cloud.HTTPError{Status: cloud.StatusBadAuthorization}
		}
		c.Org, c.Invitation, c.Token = o.Num, i.Num, token
		return usable(ctx, tx, c.Org, i)
	})
}

// usable refuses an invitation that has come to its end.
func usable(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation) error {
	now, err := invitationState(ctx, tx, org, i)
	if err == nil && now != tables.Pending {
		return &cloud.HTTPError{Status: cloud.StatusInvitationGone}
	}
	return err
}

// guest returns the invitation of the caller, as of now.
func (c *Call) guest(ctx context.Context, tx *store.Tx) (*tables.Invitation, error) {
	o, err := tables.GetOrganization(ctx, tx, c.Org)
	switch {
	case err != nil:
		return nil, err
	case o == nil:
		return nil, &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
	case o.Expired:
		return nil, &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
	}
	i, err := tables.GetInvitation(ctx, tx, c.Org, c.Invitation)
	if err != nil {
		return nil, err
	}
	if i == nil {
		return nil, &cloud.HTTPError{Status: cloud.StatusBadAuthorization}
	}
	return i, usable(ctx, tx, c.Org, i)
}

// readGuest is read for those who were invited.
func readGuest[R any](ctx context.Context, s *Service, c *Call, f func(*store.Tx, *tables.Invitation) (R, error)) (rep R, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		i, err := c.guest(ctx, tx)
		if err != nil {
			return err
		}
		rep, err = f(tx, i)
		return err
	})
	return rep, err
}

// writeGuest is write for those who were invited.
func writeGuest[R any](ctx context.Context, s *Service, c *Call, f func(*store.Tx, *tables.Invitation) (R, error)) (rep R, err error) {
	err = s.Store.Write(ctx, c.inInvitations(), func(tx *store.Tx) error {
		i, err := c.guest(ctx, tx)
		if err != nil {
			return err
		}
		rep, err = f(tx, i)
		return err
	})
	return rep, err
}
