package rules

import (
	"crypto/hmac"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Protected says how a column keeps a secret.
type Protected struct {
	purpose string
	// context is what the secret is sealed for, nil for one that only a digest is kept of.
	context func(org int64, value func(column string) any) ([]byte, error)
}

// ProtectedColumns are the columns that keep secrets, by table and column, for those who bring rows from elsewhere.
func ProtectedColumns() map[string]Protected {
	return map[string]Protected{
		"organization.bootstrap_token": {purpose: purposeBootstrap},
		"invitation.token_digest":      {purpose: purposeInvitation},
		"invitation.token_sealed":      {purposeInvitation, invitationContext},
		"totp.secret":                  {purposeTOTP, userContext},
		"totp.reset_token":             {purpose: purposeTOTPReset},
		"opaque_key.sealed":            {purposeOpaqueKey, userContext},
		"shamir_recovery.reveal_token": {purpose: purposeReveal},
	}
}

func invitationContext(org int64, value func(string) any) ([]byte, error) {
	num, ok := value("num").(int64)
	if !ok {
		return nil, fmt.Errorf("an invitation has the number %v", value("num"))
	}
	return invitationRow(org, num), nil
}

// userContext is for secrets of users: those of a user's keys name the key too.
func userContext(org int64, value func(string) any) ([]byte, error) {
	user, ok := value("person").([]byte)
	if !ok || len(user) != len(trust.UserID{}) {
		return nil, fmt.Errorf("a secret belongs to user %x", value("person"))
	}
	id, _ := value("id").([]byte)
	return ofUser(org, trust.UserID(user), id), nil
}

// Keep returns what a column keeps of a secret of an organisation. value gives the other columns of its row.
func (p Protected) Keep(box *secrets.Box, org int64, secret []byte, value func(column string) any) ([]byte, error) {
	if p.context == nil {
		return box.Digest(p.purpose, secret), nil
	}
	context, err := p.context(org, value)
	if err != nil {
		return nil, err
	}
	return box.Seal(p.purpose, context, secret), nil
}

// Keeps reports whether it is this secret that a column keeps.
func (p Protected) Keeps(box *secrets.Box, org int64, secret, kept []byte, value func(column string) any) (bool, error) {
	if p.context == nil {
		return hmac.Equal(box.Digest(p.purpose, secret), kept), nil
	}
	context, err := p.context(org, value)
	if err != nil {
		return false, err
	}
	opened, err := box.Open(p.purpose, context, kept)
	defer clear(opened)
	return err == nil && hmac.Equal(opened, secret), err
}
