package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Totals are what a realm had at a moment.
type Totals struct {
	// Checkpoint is the last one of a vlob.
	Checkpoint            uint64
	VlobBytes, BlockBytes uint64
}

// RealmTotals counts what a realm had at a moment.
func RealmTotals(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, at trust.DateTime) (t Totals, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT coalesce(max(checkpoint), 0), CAST(coalesce(sum(length(data)), 0) AS BIGINT) FROM vlob
		WHERE org = $1 AND realm = $2 AND created_on <= $3`, org, id[:], at.Micros()), store.Small(&t.Checkpoint), store.Small(&t.VlobBytes))
	if err == nil {
		_, err = tx.Get(ctx, store.SQL(`SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM block WHERE org = $1 AND realm = $2 AND stored = 1 AND created_on <= $3`,
			org, id[:], at.Micros()), store.Small(&t.BlockBytes))
	}
	return t, err
}

// CheckpointedVlob is a version of a vlob with the checkpoint that it made.
type CheckpointedVlob struct {
	Vlob

	Checkpoint uint64
}

// RealmVlobs returns versions of vlobs after a checkpoint and until another, at most so many, in the order in which they were written.
func RealmVlobs(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, after, until uint64, most int) (all []CheckpointedVlob, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT id, version, checkpoint, key_index, author, created_on, data FROM vlob
		WHERE org = $1 AND realm = $2 AND checkpoint > $3 AND checkpoint <= $4 ORDER BY checkpoint LIMIT $5`,
		org, id[:], count(after), count(until), int64(most)), func(r store.Row) error {
		v := CheckpointedVlob{}
		err := r.Scan(store.Fixed(&v.ID), store.Small(&v.Version), store.Small(&v.Checkpoint), store.Small(&v.KeyIndex), store.Fixed(&v.Author),
			store.Time(&v.CreatedOn), &v.Data)
		all = append(all, v)
		return err
	})
	return all, err
}

// RealmBlocks returns blocks of a realm that were stored until a moment, the oldest first: those after one, or the first for nil, at most so many.
func RealmBlocks(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, until trust.DateTime, after *Block, most int) (all []Block, err error) {
	from, last := int64(-1<<63), trust.BlockID{}
	if after != nil {
		from, last = after.CreatedOn.Micros(), after.ID
	}
	err = tx.Each(ctx, store.SQL(`SELECT id, key_index, author, size, created_on FROM block WHERE org = $1 AND realm = $2 AND stored = 1 AND created_on <= $3
		AND (created_on > $4 OR created_on = $4 AND id > $5) ORDER BY created_on, id LIMIT $6`,
		org, id[:], until.Micros(), from, last[:], int64(most)), func(r store.Row) error {
		b := Block{Realm: id, Stored: true}
		err := r.Scan(store.Fixed(&b.ID), store.Small(&b.KeyIndex), store.Fixed(&b.Author), store.Small(&b.Size), store.Time(&b.CreatedOn))
		all = append(all, b)
		return err
	})
	return all, err
}

// KeyAccess is what somebody got to open a keys bundle with: a user, or a sequester service.
type KeyAccess struct {
	KeyIndex uint64
	Holder   [16]byte
	Access   []byte
}

// UserAccesses returns the newest accesses of users to the keys bundles up to an index.
func UserAccesses(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, last uint64) ([]KeyAccess, error) {
	return accesses(ctx, tx, store.SQL(`SELECT key_index, person, access FROM keys_access WHERE org = $1 AND realm = $2 AND key_index <= $3
		ORDER BY key_index, person`, org, id[:], count(last)))
}

// ServiceAccesses returns the accesses of sequester services to the keys bundles up to an index.
func ServiceAccesses(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, last uint64) ([]KeyAccess, error) {
	return accesses(ctx, tx, store.SQL(`SELECT key_index, service, access FROM sequester_access WHERE org = $1 AND realm = $2 AND key_index <= $3
		ORDER BY key_index, service`, org, id[:], count(last)))
}

func accesses(ctx context.Context, tx *store.Tx, s store.Statement) (all []KeyAccess, err error) {
	err = tx.Each(ctx, s, func(r store.Row) error {
		a, holder := KeyAccess{}, trust.UserID{}
		err := r.Scan(store.Small(&a.KeyIndex), store.Fixed(&holder), &a.Access)
		a.Holder = holder
		all = append(all, a)
		return err
	})
	return all, err
}
