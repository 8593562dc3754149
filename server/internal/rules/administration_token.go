package rules

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Scope is something that a token lets its bearer do.
type Scope string

// Scopes.
const (
	// ScopeRead is for looking at organisations, their users, realms and statistics.
	ScopeRead Scope = "read"
	// ScopeOrganizations is for making and changing organisations and their sequester services.
	ScopeOrganizations Scope = "organizations"
	// ScopeUsers is for freezing users and resetting their one-time codes.
	ScopeUsers Scope = "users"
	// ScopeErase is for erasing organisations and deleting realms that are due.
	ScopeErase Scope = "erase"
)

// Scopes are all scopes.
var Scopes = []Scope{ScopeRead, ScopeOrganizations, ScopeUsers, ScopeErase}

// Why nothing is done about a token.
var (
	ErrTokenExists   error = &RefusedError{Reason: "there is a token with this name already"}
	ErrTooManyTokens error = &RefusedError{Reason: "there are too many tokens: revoke some"}
	ErrNoToken       error = &RefusedError{Reason: "there is no token with this name"}
	ErrTokenName     error = &RefusedError{Reason: "the name of a token is 1 to 64 letters, digits, dots, hyphens and underscores"}
	ErrTokenScopes   error = &RefusedError{Reason: "a token needs scopes, each once: read, organizations, users, erase"}
	ErrTokenExpiry   error = &RefusedError{Reason: "the moment at which the token expires has passed"}
)

const (
	maxTokens = 1000
	// tokenPrefix tells our tokens from others, also to those who look for secrets that got lost.
	tokenPrefix  = "parsec_admin_" //nolint:gosec // what all tokens begin with
	tokenSize    = 32
	purposeAdmin = "administration token"
)

var tokenName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// NewToken makes a token for administrators with a name, scopes, perhaps an organisation and an end, and returns its text, which is not kept.
func (s *Service) NewToken(ctx context.Context, by Administrator, t tables.Token) (text string, err error) {
	secret := make([]byte, tokenSize)
	_, _ = rand.Read(secret) // never fails
	text = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	t.CreatedOn = by.Now
	a := act{action: "create token", object: describe(t)}
	if t.Organization != nil {
		a.organization = *t.Organization
	}
	return text, s.administer(ctx, by, a, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		if err := checkToken(t); err != nil {
			return err
		}
		n, err := tables.CountTokens(ctx, tx)
		if err != nil {
			return err
		}
		known, err := tables.HasToken(ctx, tx, t.Name)
		switch {
		case err != nil:
			return err
		case known:
			return ErrTokenExists
		case n >= maxTokens:
			return ErrTooManyTokens
		}
		return tables.InsertToken(ctx, tx, t, s.Secrets.Digest(purposeAdmin, []byte(text)))
	})
}

// describe says what a token is, for the audit log. Names that are none are not repeated.
func describe(t tables.Token) string {
	if !tokenName.MatchString(t.Name) {
		return "token"
	}
	text := "token " + t.Name + ": " + strings.Join(t.Scopes, " ")
	if t.ExpiresOn != nil {
		text += " until " + t.ExpiresOn.String()
	}
	return text
}

func checkToken(t tables.Token) error {
	if !tokenName.MatchString(t.Name) {
		return ErrTokenName
	}
	seen := map[string]bool{}
	for _, name := range t.Scopes {
		if seen[name] || !slices.Contains(Scopes, Scope(name)) {
			return ErrTokenScopes
		}
		seen[name] = true
	}
	if len(seen) == 0 {
		return ErrTokenScopes
	}
	if t.ExpiresOn != nil && !t.ExpiresOn.After(t.CreatedOn) {
		return ErrTokenExpiry
	}
	return nil
}

// RevokeToken ends a token at once.
func (s *Service) RevokeToken(ctx context.Context, by Administrator, name string) error {
	a := act{action: "revoke token", object: "token"}
	if tokenName.MatchString(name) {
		a.object += " " + name
	}
	return s.administer(ctx, by, a, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		known, err := tables.DeleteToken(ctx, tx, name)
		if err == nil && !known {
			err = ErrNoToken
		}
		return err
	})
}

// Tokens returns all tokens, by name.
func (s *Service) Tokens(ctx context.Context) (all []tables.Token, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err = tables.Tokens(ctx, tx)
		return err
	})
	return all, err
}

// Bearer returns the token with a text, nil for none that is valid now. What cannot be a token costs no look at the store.
func (s *Service) Bearer(ctx context.Context, text string, now trust.DateTime) (found *tables.Token, err error) {
	rest, ours := strings.CutPrefix(text, tokenPrefix)
	if !ours || len(rest) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return nil, nil
	}
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		found, err = tables.FindToken(ctx, tx, s.Secrets.Digest(purposeAdmin, []byte(text)))
		return err
	})
	if err != nil || found == nil || found.ExpiresOn != nil && !now.Before(*found.ExpiresOn) {
		return nil, err
	}
	return found, nil
}
