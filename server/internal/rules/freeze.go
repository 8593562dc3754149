package rules

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Which names a user who is not revoked, by id or by address: one of the two is there.
type Which struct {
	ID    *trust.UserID
	Email *trust.EmailAddress
}

func (w Which) String() string {
	if w.ID != nil {
		return "user " + w.ID.String()
	}
	if w.Email != nil {
		return "user " + w.Email.String()
	}
	return "nobody"
}

// find returns the user.
func (w Which) find(ctx context.Context, tx *store.Tx, org int64) (u *tables.User, err error) {
	switch {
	case w.ID != nil:
		u, err = tables.GetUser(ctx, tx, org, *w.ID)
	case w.Email != nil:
		u, err = tables.ActiveUser(ctx, tx, org, w.Email.String())
	}
	switch {
	case err != nil:
		return nil, err
	case u == nil:
		return nil, ErrNoUser
	case u.RevokedOn != nil:
		return nil, ErrUserRevoked
	}
	return u, nil
}

// FreezeUser lets a user in no more, or again, and returns them.
func (s *Service) FreezeUser(ctx context.Context, by Administrator, id trust.OrganizationID, which Which, frozen bool) (user *tables.User, err error) {
	what := act{"freeze user", id, which.String()}
	if !frozen {
		what.action = "unfreeze user"
	}
	locks := func(org int64) []store.Lock { return []store.Lock{store.Common(org)} }
	err = s.administerIn(ctx, by, what, locks, func(tx *store.Tx, o *tables.Organization) (err error) {
		if user, err = which.find(ctx, tx, o.Num); err != nil {
			return err
		}
		user.Frozen = frozen
		effect := events.Effect{Kind: events.Forget, User: &user.ID}
		if frozen {
			effect.Kind = events.Disconnect
		}
		tx.Emit(events.Silent(o.Num, effect))
		return tables.FreezeUser(ctx, tx, o.Num, user.ID, frozen)
	})
	return user, err
}

// ActiveUsers returns the users of an organisation that are not revoked, the oldest first.
func (s *Service) ActiveUsers(ctx context.Context, id trust.OrganizationID) (all []tables.User, err error) {
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) error {
		all = nil
		return tables.Users(ctx, tx, o.Num, func(u tables.User) error {
			if u.RevokedOn == nil {
				all = append(all, u)
			}
			return nil
		})
	})
	return all, err
}

// readIn reads about an organisation that exists.
func (s *Service) readIn(ctx context.Context, id trust.OrganizationID, f func(*store.Tx, *tables.Organization) error) error {
	return s.Store.Read(ctx, func(tx *store.Tx) error {
		o, err := tables.FindOrganization(ctx, tx, id)
		if err == nil && o == nil {
			err = ErrNoOrganization
		}
		if err != nil {
			return err
		}
		return f(tx, o)
	})
}

// ResetTOTPOf is ResetTOTP for an administrator, and returns the user too.
func (s *Service) ResetTOTPOf(ctx context.Context, by Administrator, id trust.OrganizationID, which Which) (user *tables.User, token trust.AccessToken, err error) {
	token = trust.GenerateAccessToken()
	digest, err := s.digest(purposeTOTPReset, token)
	if err != nil {
		return nil, token, err
	}
	// The user is looked for before the transaction too, because locks are taken before its first statement.
	var found *tables.User
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) (err error) {
		found, err = which.find(ctx, tx, o.Num)
		return err
	})
	locks := func(org int64) []store.Lock {
		if err != nil {
			return nil
		}
		return []store.Lock{store.Common(org).Shared(), store.User(org, found.ID)}
	}
	err = s.administerIn(ctx, by, act{"reset one-time codes", id, which.String()}, locks, func(tx *store.Tx, o *tables.Organization) (err error) {
		if user, err = which.find(ctx, tx, o.Num); err != nil {
			return err
		}
		if found == nil || user.ID != found.ID {
			return fmt.Errorf("%w: %s is another one meanwhile", store.ErrUnavailable, which)
		}
		return resetTOTP(ctx, tx, o.Num, user.ID, digest)
	})
	return user, token, err
}
