package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TOTP is what a user has for one-time codes.
type TOTP struct {
	// Secret is sealed, nil before the user asked for it.
	Secret []byte
	// Confirmed says that the user proved to have the secret.
	Confirmed bool
	// TokenDigest is what the token of a reset must give, nil for no token.
	TokenDigest []byte
}

// GetTOTP returns what a user has, which is nothing at first.
func GetTOTP(ctx context.Context, tx *store.Tx, org int64, user trust.UserID) (t TOTP, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT secret, confirmed, reset_token FROM totp WHERE org = $1 AND person = $2`, org, user[:]),
		&t.Secret, store.Bool(&t.Confirmed), &t.TokenDigest)
	return t, err
}

// SetTOTP replaces what a user has.
func SetTOTP(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, t TOTP) error {
	_, err := tx.Exec(ctx, `INSERT INTO totp (org, person, secret, confirmed, reset_token) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (org, person) DO UPDATE SET secret = excluded.secret, confirmed = excluded.confirmed, reset_token = excluded.reset_token`,
		org, user[:], blob(t.Secret), store.Truth(t.Confirmed), blob(t.TokenDigest))
	return err
}

// OpaqueKey is a key that its user gets against a one-time code.
type OpaqueKey struct {
	ID     trust.TOTPOpaqueKeyID
	Sealed []byte
	// Failures are wrong codes in a row, the last one at FailedOn.
	Failures uint64
	FailedOn *trust.DateTime
}

// AddOpaqueKey adds a key that nobody asked for yet.
func AddOpaqueKey(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, k OpaqueKey) error {
	_, err := tx.Exec(ctx, `INSERT INTO opaque_key (org, person, id, sealed, failures) VALUES ($1, $2, $3, $4, 0)`, org, user[:], k.ID[:], k.Sealed)
	return err
}

// GetOpaqueKey returns a key of a user, or nil.
func GetOpaqueKey(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, id trust.TOTPOpaqueKeyID) (*OpaqueKey, error) {
	k := &OpaqueKey{ID: id}
	found, err := tx.Get(ctx, store.SQL(`SELECT sealed, failures, failed_on FROM opaque_key WHERE org = $1 AND person = $2 AND id = $3`, org, user[:], id[:]),
		&k.Sealed, store.Small(&k.Failures), store.MaybeTime(&k.FailedOn))
	if err != nil || !found {
		return nil, err
	}
	return k, nil
}

// SetFailures keeps how many codes for a key were wrong in a row.
func SetFailures(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, k *OpaqueKey) error {
	_, err := tx.Exec(ctx, `UPDATE opaque_key SET failures = $4, failed_on = $5 WHERE org = $1 AND person = $2 AND id = $3`,
		org, user[:], k.ID[:], count(k.Failures), store.Micros(k.FailedOn))
	return err
}

// ForgetFailures makes all keys of a user as if no code had been wrong.
func ForgetFailures(ctx context.Context, tx *store.Tx, org int64, user trust.UserID) error {
	_, err := tx.Exec(ctx, `UPDATE opaque_key SET failures = 0, failed_on = NULL WHERE org = $1 AND person = $2`, org, user[:])
	return err
}
