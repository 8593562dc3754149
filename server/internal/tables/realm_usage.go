package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// RealmUsage is a realm with what it has.
type RealmUsage struct {
	Realm
	CreatedOn             trust.DateTime
	VlobBytes, BlockBytes uint64
	// Active are its members that are not revoked, LastRevoked is when the last of the others was, nil if none is.
	Active      uint64
	LastRevoked *trust.DateTime
}

// RealmUsages returns the realms of an organisation, by id.
func RealmUsages(ctx context.Context, tx *store.Tx, org int64) (all []RealmUsage, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT r.id, r.created_on, r.key_index, r.archiving, r.deletion_on, r.deleted, r.checkpoint, r.vlob_bytes, r.block_bytes,
		count(CASE WHEN p.id IS NOT NULL AND p.revoked_on IS NULL THEN 1 END), max(p.revoked_on)
		FROM realm r LEFT JOIN realm_role m ON m.org = r.org AND m.realm = r.id AND m.role > 0 LEFT JOIN person p ON p.org = m.org AND p.id = m.person
		WHERE r.org = $1 GROUP BY r.id, r.created_on, r.key_index, r.archiving, r.deletion_on, r.deleted, r.checkpoint, r.vlob_bytes, r.block_bytes
		ORDER BY r.id`, org), func(r store.Row) error {
		u := RealmUsage{}
		err := r.Scan(store.Fixed(&u.ID), store.Time(&u.CreatedOn), store.Small(&u.KeyIndex), store.Small(&u.Archiving), store.MaybeTime(&u.DeletionOn),
			store.Bool(&u.Deleted), store.Small(&u.Checkpoint), store.Small(&u.VlobBytes), store.Small(&u.BlockBytes), store.Small(&u.Active), store.MaybeTime(&u.LastRevoked))
		all = append(all, u)
		return err
	})
	return all, err
}
