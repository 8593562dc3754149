package rules

import (
	"context"
	"crypto/hmac"
	"encoding/binary"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What secrets of one-time codes are sealed and digested for.
const (
	purposeTOTP      = "secret of one-time codes"
	purposeTOTPReset = "reset of one-time codes"
)

// totpSetupGetSecret is 3.12: already set up.
func (s *Service) totpSetupGetSecret(ctx context.Context, c *Call, _ *cloud.TOTPSetupGetSecretReq) (cloud.TOTPSetupGetSecretRep, error) {
	return write(ctx, s, c, []store.Lock{store.User(c.Org, c.User)}, func(tx *store.Tx, _ *tables.Author) (cloud.TOTPSetupGetSecretRep, error) {
		t, err := tables.GetTOTP(ctx, tx, c.Org, c.User)
		if err != nil {
			return nil, err
		}
		if t.Confirmed {
			return &cloud.AlreadySetup{}, nil
		}
		secret, err := s.totpSecret(ctx, tx, c.Org, c.User, t)
		return &cloud.TOTPSetupGetSecretOK{TOTPSecret: secret}, err
	})
}

// totpSetupConfirm is 3.12: already set up, code.
func (s *Service) totpSetupConfirm(ctx context.Context, c *Call, req *cloud.TOTPSetupConfirmReq) (cloud.TOTPSetupConfirmRep, error) {
	return write(ctx, s, c, []store.Lock{store.User(c.Org, c.User)}, func(tx *store.Tx, _ *tables.Author) (cloud.TOTPSetupConfirmRep, error) {
		t, err := tables.GetTOTP(ctx, tx, c.Org, c.User)
		if err != nil {
			return nil, err
		}
		if t.Confirmed {
			return &cloud.AlreadySetup{}, nil
		}
		fits, err := s.confirmTOTP(ctx, tx, c, c.User, t, req.OneTimePassword)
		if err != nil || fits {
			return &cloud.OK{}, err
		}
		return &cloud.InvalidOneTimePassword{}, nil
	})
}

// anonymousTOTPSetupGetSecret is 3.12: user, token, already set up.
func (s *Service) anonymousTOTPSetupGetSecret(ctx context.Context, c *Call, req *cloud.AnonymousTOTPSetupGetSecretReq) (cloud.AnonymousTOTPSetupGetSecretRep, error) {
	return anonymous(ctx, c, s.locked(store.User(c.Org, req.UserID)), func(tx *store.Tx) (cloud.AnonymousTOTPSetupGetSecretRep, error) {
		t, err := s.totpByToken(ctx, tx, c, req.UserID, req.Token)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return &cloud.BadToken{}, nil
		}
		secret, err := s.totpSecret(ctx, tx, c.Org, req.UserID, *t)
		return &cloud.AnonymousTOTPSetupGetSecretOK{TOTPSecret: secret}, err
	})
}

// anonymousTOTPSetupConfirm is 3.12: user, token, already set up, code.
func (s *Service) anonymousTOTPSetupConfirm(ctx context.Context, c *Call, req *cloud.AnonymousTOTPSetupConfirmReq) (cloud.AnonymousTOTPSetupConfirmRep, error) {
	return anonymous(ctx, c, s.locked(store.User(c.Org, req.UserID)), func(tx *store.Tx) (cloud.AnonymousTOTPSetupConfirmRep, error) {
		t, err := s.totpByToken(ctx, tx, c, req.UserID, req.Token)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return &cloud.BadToken{}, nil
		}
		fits, err := s.confirmTOTP(ctx, tx, c, req.UserID, *t, req.OneTimePassword)
		if err != nil || fits {
			return &cloud.OK{}, err
		}
		return &cloud.InvalidOneTimePassword{}, nil
	})
}

// totpByToken returns what a user has who may set up one-time codes with the token, nil for every reason not to.
func (s *Service) totpByToken(ctx context.Context, tx *store.Tx, c *Call, user trust.UserID, token trust.AccessToken) (*tables.TOTP, error) {
	digest, err := s.digest(purposeTOTPReset, token)
	if err != nil {
		return nil, err
	}
	active, err := c.activeUser(ctx, tx, user)
	if err != nil || !active {
		return nil, err
	}
	t, err := tables.GetTOTP(ctx, tx, c.Org, user)
	if err != nil || t.Confirmed || !hmac.Equal(digest, t.TokenDigest) {
		return nil, err
	}
	return &t, nil
}

// activeUser reports whether there is a user who is neither revoked nor frozen.
func (c *Call) activeUser(ctx context.Context, tx *store.Tx, id trust.UserID) (bool, error) {
	u, err := tables.GetUser(ctx, tx, c.Org, id)
	return u != nil && u.RevokedOn == nil && !u.Frozen, err
}

// totpSecret returns the secret that a user has not confirmed yet, and makes it the first time.
func (s *Service) totpSecret(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, t tables.TOTP) (trust.TOTPSecret, error) {
	if t.Secret != nil {
		return s.openTOTP(org, user, t)
	}
	secret := trust.GenerateTOTPSecret()
	b, err := secret.Export()
	if err != nil {
		return secret, err
	}
	defer clear(b)
	t.Secret = s.Secrets.Seal(purposeTOTP, ofUser(org, user, nil), b)
	return secret, tables.SetTOTP(ctx, tx, org, user, t)
}

// confirmTOTP notes that the user has the secret if the code fits.
func (s *Service) confirmTOTP(ctx context.Context, tx *store.Tx, c *Call, user trust.UserID, t tables.TOTP, code string) (bool, error) {
	fits, err := s.codeFits(c, user, t, code)
	if err != nil || !fits {
		return false, err
	}
	t.Confirmed, t.TokenDigest = true, nil
	return true, tables.SetTOTP(ctx, tx, c.Org, user, t)
}

// codeFits reports whether a code is one of now. Without a secret none is.
func (s *Service) codeFits(c *Call, user trust.UserID, t tables.TOTP, code string) (bool, error) {
	if t.Secret == nil {
		return false, nil
	}
	secret, err := s.openTOTP(c.Org, user, t)
	if err != nil {
		return false, err
	}
	defer secret.Wipe()
	return secret.Verify(code, c.Now.Time())
}

func (s *Service) openTOTP(org int64, user trust.UserID, t tables.TOTP) (trust.TOTPSecret, error) {
	b, err := s.Secrets.Open(purposeTOTP, ofUser(org, user, nil), t.Secret)
	if err != nil {
		return trust.TOTPSecret{}, err
	}
	defer clear(b)
	return trust.NewTOTPSecret(b)
}

// ofUser is the context of a secret that belongs to a user.
func ofUser(org int64, user trust.UserID, id []byte) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(org)) //nolint:gosec // numbers of organisations are positive
	return append(append(b, user[:]...), id...)
}
