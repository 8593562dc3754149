package tables

import (
	"context"
	"crypto/hmac"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// Agree keeps a value under a name if there is none, and reports whether it is the one that is kept.
func Agree(ctx context.Context, tx *store.Tx, name string, value []byte) (bool, error) {
	var kept []byte
	found, err := tx.Get(ctx, store.SQL(`SELECT value FROM agreement WHERE name = $1`, name), &kept)
	if err != nil || found {
		return hmac.Equal(kept, value), err
	}
	_, err = tx.Exec(ctx, `INSERT INTO agreement (name, value) VALUES ($1, $2)`, name, value)
	return true, err
}

// Agrees reports whether a value is the one that is kept under a name, or none is.
func Agrees(ctx context.Context, tx *store.Tx, name string, value []byte) (bool, error) {
	var kept []byte
	found, err := tx.Get(ctx, store.SQL(`SELECT value FROM agreement WHERE name = $1`, name), &kept)
	return !found || hmac.Equal(kept, value), err
}
