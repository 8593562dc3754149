package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// PurgeBatch is how many rows one transaction removes at most, so that others do not wait for long.
const PurgeBatch = 500

// MarkDeleted notes that the data of a realm is to be removed. Its certificates stay.
func MarkDeleted(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID) error {
	_, err := tx.Exec(ctx, `UPDATE realm SET deleted = 1, vlob_bytes = 0, block_bytes = 0 WHERE org = $1 AND id = $2`, org, id[:])
	return err
}

// PurgeSome removes rows of a realm that was marked, and reports whether there may be more.
func PurgeSome(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID) (more bool, err error) {
	for _, text := range []string{
		`DELETE FROM vlob WHERE org = $1 AND realm = $2 AND checkpoint IN
			(SELECT checkpoint FROM vlob WHERE org = $1 AND realm = $2 ORDER BY checkpoint LIMIT $3)`,
		`DELETE FROM block WHERE org = $1 AND realm = $2 AND id IN (SELECT id FROM block WHERE org = $1 AND realm = $2 ORDER BY id LIMIT $3)`,
		`DELETE FROM keys_access WHERE org = $1 AND realm = $2 AND person IN
			(SELECT person FROM keys_access WHERE org = $1 AND realm = $2 ORDER BY person LIMIT $3)`,
		`DELETE FROM sequester_access WHERE org = $1 AND realm = $2 AND key_index IN
			(SELECT key_index FROM sequester_access WHERE org = $1 AND realm = $2 ORDER BY key_index LIMIT $3)`,
		`DELETE FROM keys_bundle WHERE org = $1 AND realm = $2 AND key_index IN
			(SELECT key_index FROM keys_bundle WHERE org = $1 AND realm = $2 ORDER BY key_index LIMIT $3)`,
	} {
		n, err := tx.Exec(ctx, text, org, id[:], int64(PurgeBatch))
		if err != nil {
			return false, err
		}
		if n > 0 {
			return true, nil // the next transaction goes on
		}
	}
	return false, nil
}

// HalfPurged returns the realms of an organisation that were marked and have rows.
func HalfPurged(ctx context.Context, tx *store.Tx, org int64) (all []trust.RealmID, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT r.id FROM realm r WHERE r.org = $1 AND r.deleted = 1 AND (
		EXISTS (SELECT 1 FROM vlob x WHERE x.org = r.org AND x.realm = r.id) OR EXISTS (SELECT 1 FROM block x WHERE x.org = r.org AND x.realm = r.id) OR
		EXISTS (SELECT 1 FROM keys_bundle x WHERE x.org = r.org AND x.realm = r.id)) ORDER BY r.id`, org), func(r store.Row) error {
		id := trust.RealmID{}
		err := r.Scan(store.Fixed(&id))
		all = append(all, id)
		return err
	})
	return all, err
}

// DropReserved removes reservations of blocks that were made before a moment and never came to an end, at most a batch of them, and
// reports whether there may be more.
func DropReserved(ctx context.Context, tx *store.Tx, org int64, before trust.DateTime) (more bool, err error) {
	n, err := tx.Exec(ctx, `DELETE FROM block WHERE org = $1 AND stored = 0 AND id IN
		(SELECT id FROM block WHERE org = $1 AND stored = 0 AND created_on < $2 ORDER BY id LIMIT $3)`, org, before.Micros(), int64(PurgeBatch))
	return n == PurgeBatch, err
}

// Organizations returns number and name of all organisations.
func Organizations(ctx context.Context, tx *store.Tx) (all []Organization, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT num, id FROM organization ORDER BY num`), func(r store.Row) error {
		o, name := Organization{}, ""
		if err := r.Scan(&o.Num, &name); err != nil {
			return err
		}
		id, err := trust.NewOrganizationID(name)
		o.ID = id
		all = append(all, o)
		return err
	})
	return all, err
}
