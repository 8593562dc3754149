package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// ResetTOTP takes a user's one-time codes away and returns the token to set up new ones with, instead of any before. Opaque keys stay.
func (s *Service) ResetTOTP(ctx context.Context, org int64, user trust.UserID) (token trust.AccessToken, err error) {
	token = trust.GenerateAccessToken()
	digest, err := s.digest(purposeTOTPReset, token)
	if err != nil {
		return token, err
	}
	err = s.Store.Write(ctx, []store.Lock{store.User(org, user)}, func(tx *store.Tx) error {
		if _, err := (Which{ID: &user}).find(ctx, tx, org); err != nil {
			return err
		}
		return resetTOTP(ctx, tx, org, user, digest)
	})
	return token, err
}

func resetTOTP(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, digest []byte) error {
	if err := tables.SetTOTP(ctx, tx, org, user, tables.TOTP{TokenDigest: digest}); err != nil {
		return err
	}
	return tables.ForgetFailures(ctx, tx, org, user)
}
