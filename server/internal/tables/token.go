package tables

import (
	"context"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Token lets its bearer administer some of the server.
type Token struct {
	Name   string
	Scopes []string
	// Organization is the one that it is for, nil for all.
	Organization *trust.OrganizationID
	CreatedOn    trust.DateTime
	ExpiresOn    *trust.DateTime
}

const tokenColumns = `SELECT name, scopes, organization, created_on, expires_on FROM administration_token` //nolint:gosec // a statement

func scanToken(r store.Row) (t Token, err error) {
	scopes, organization := "", (*string)(nil)
	if err := r.Scan(&t.Name, &scopes, &organization, store.Time(&t.CreatedOn), store.MaybeTime(&t.ExpiresOn)); err != nil {
		return t, err
	}
	t.Scopes = strings.Fields(scopes)
	if organization != nil {
		id, err := trust.NewOrganizationID(*organization)
		if err != nil {
			return t, err
		}
		t.Organization = &id
	}
	return t, nil
}

// FindToken returns the token with a digest, or nil.
func FindToken(ctx context.Context, tx *store.Tx, digest []byte) (found *Token, err error) {
	err = tx.Each(ctx, store.SQL(tokenColumns+` WHERE digest = $1`, digest), func(r store.Row) error {
		t, err := scanToken(r)
		found = &t
		return err
	})
	return found, err
}

// HasToken reports whether a name is that of a token.
func HasToken(ctx context.Context, tx *store.Tx, name string) (bool, error) {
	one := int64(0)
	return tx.Get(ctx, store.SQL(`SELECT 1 FROM administration_token WHERE name = $1`, name), &one)
}

// Tokens returns all tokens by name.
func Tokens(ctx context.Context, tx *store.Tx) (all []Token, err error) {
	err = tx.Each(ctx, store.SQL(tokenColumns+` ORDER BY name`), func(r store.Row) error {
		t, err := scanToken(r)
		all = append(all, t)
		return err
	})
	return all, err
}

// CountTokens returns how many tokens there are.
func CountTokens(ctx context.Context, tx *store.Tx) (n uint64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT count(*) FROM administration_token`), store.Small(&n))
	return n, err
}

// InsertToken adds a token.
func InsertToken(ctx context.Context, tx *store.Tx, t Token, digest []byte) error {
	var organization any
	if t.Organization != nil {
		organization = t.Organization.String()
	}
	_, err := tx.Exec(ctx, `INSERT INTO administration_token (name, digest, scopes, organization, created_on, expires_on) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.Name, digest, strings.Join(t.Scopes, " "), organization, t.CreatedOn.Micros(), store.Micros(t.ExpiresOn))
	return err
}

// DeleteToken ends a token, and reports false if there is none with the name.
func DeleteToken(ctx context.Context, tx *store.Tx, name string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM administration_token WHERE name = $1`, name)
	return n > 0, err
}
