package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Recovery is a shared recovery of a user.
type Recovery struct {
	// SetUpOn is the moment of its brief certificate.
	SetUpOn   trust.DateTime
	DeletedOn *trust.DateTime
}

// RecoveryOf returns the recovery that a user set up at a moment, or nil.
func RecoveryOf(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, at trust.DateTime) (*Recovery, error) {
	r := &Recovery{SetUpOn: at}
	found, err := tx.Get(ctx, store.SQL(`SELECT deleted_on FROM shamir_recovery WHERE org = $1 AND person = $2 AND set_up_on = $3`,
		org, user[:], at.Micros()), store.MaybeTime(&r.DeletedOn))
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// HasRecovery reports whether a user has a recovery that is not deleted.
func HasRecovery(ctx context.Context, tx *store.Tx, org int64, user trust.UserID) (bool, error) {
	one := int64(0)
	return tx.Get(ctx, store.SQL(`SELECT 1 FROM shamir_recovery WHERE org = $1 AND person = $2 AND deleted_on IS NULL`, org, user[:]), &one)
}

// AddRecovery adds a recovery with the digest of the token that reveals the data.
func AddRecovery(ctx context.Context, tx *store.Tx, org int64, c *trust.ShamirRecoveryBriefCertificate, digest, data []byte) error {
	at := c.Timestamp.Micros()
	_, err := tx.Exec(ctx, `INSERT INTO shamir_recovery (org, person, set_up_on, threshold, reveal_token, data) VALUES ($1, $2, $3, $4, $5, $6)`,
		org, c.UserID[:], at, int64(c.Threshold), digest, given(data))
	if err != nil {
		return err
	}
	for recipient, shares := range c.PerRecipientShares {
		_, err := tx.Exec(ctx, `INSERT INTO shamir_share (org, person, set_up_on, recipient, shares) VALUES ($1, $2, $3, $4, $5)`,
			org, c.UserID[:], at, recipient[:], int64(shares))
		if err != nil {
			return err
		}
	}
	return nil
}

// Recipients returns who has shares of a recovery, and how many.
func Recipients(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, at trust.DateTime) (map[trust.UserID]uint8, error) {
	all := map[trust.UserID]uint8{}
	err := tx.Each(ctx, store.SQL(`SELECT recipient, shares FROM shamir_share WHERE org = $1 AND person = $2 AND set_up_on = $3`, org, user[:], at.Micros()),
		func(r store.Row) error {
			recipient, shares := trust.UserID{}, uint8(0)
			err := r.Scan(store.Fixed(&recipient), store.Small(&shares))
			all[recipient] = shares
			return err
		})
	return all, err
}

// DeleteRecovery ends a recovery and forgets its data. Who had shares is kept, because certificates say it too.
func DeleteRecovery(ctx context.Context, tx *store.Tx, org int64, c *trust.ShamirRecoveryDeletionCertificate) error {
	_, err := tx.Exec(ctx, `UPDATE shamir_recovery SET deleted_on = $4, data = NULL WHERE org = $1 AND person = $2 AND set_up_on = $3`,
		org, c.SetupToDeleteUserID[:], c.SetupToDeleteTimestamp.Micros(), c.Timestamp.Micros())
	return err
}

// RecoveryData returns the data of a recovery that is not deleted, with the digest of the token that reveals it. Both are nil if there is none.
func RecoveryData(ctx context.Context, tx *store.Tx, org int64, user trust.UserID, at trust.DateTime) (digest, data []byte, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT reveal_token, data FROM shamir_recovery WHERE org = $1 AND person = $2 AND set_up_on = $3 AND deleted_on IS NULL`,
		org, user[:], at.Micros()), &digest, &data)
	return digest, data, err
}
