package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Why nothing is done for a user.
var (
	ErrNoUser      = errors.New("there is no such user")
	ErrUserRevoked = errors.New("the user is revoked")
)

// ResetTOTP takes a user's one-time codes away and returns the token to set up new ones with, instead of any before. Opaque keys stay.
func (s *Service) ResetTOTP(ctx context.Context, org int64, user trust.UserID) (token trust.AccessToken, err error) {
	token = trust.GenerateAccessToken()
	digest, err := s.digest(purposeTOTPReset, token)
	if err != nil {
		return token, err
	}
	err = s.Store.Write(ctx, []store.Lock{store.User(org, user)}, func(tx *store.Tx) error {
		u, err := tables.GetUser(ctx, tx, org, user)
		switch {
		case err != nil:
			return err
		case u == nil:
			return ErrNoUser
		case u.RevokedOn != nil:
			return ErrUserRevoked
		}
		if err := tables.SetTOTP(ctx, tx, org, user, tables.TOTP{TokenDigest: digest}); err != nil {
			return err
		}
		return tables.ForgetFailures(ctx, tx, org, user)
	})
	return token, err
}
