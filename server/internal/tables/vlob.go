package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Vlob is a version of a vlob.
type Vlob struct {
	ID        trust.VlobID
	Version   uint32
	KeyIndex  uint64
	Author    trust.DeviceID
	CreatedOn trust.DateTime
	Data      []byte
}

// LastVersionStatement is what LastVersion asks.
func LastVersionStatement(org int64, in trust.RealmID, id trust.VlobID) store.Statement {
	return store.SQL(`SELECT version FROM vlob WHERE org = $1 AND realm = $2 AND id = $3 ORDER BY version DESC LIMIT 1`, org, in[:], id[:])
}

// LastVersion returns the last version of a vlob in a realm, 0 for none.
func LastVersion(ctx context.Context, tx *store.Tx, org int64, in trust.RealmID, id trust.VlobID) (version uint32, err error) {
	_, err = tx.Get(ctx, LastVersionStatement(org, in, id), store.Small(&version))
	return version, err
}

// AddVlob adds a version under the next checkpoint of the realm.
func AddVlob(ctx context.Context, tx *store.Tx, org int64, in *Realm, v Vlob) error {
	in.Checkpoint++
	err := tx.Put(ctx, `INSERT INTO vlob (org, realm, id, version, checkpoint, key_index, author, created_on, data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		org, in.ID[:], v.ID[:], int64(v.Version), count(in.Checkpoint), count(v.KeyIndex), v.Author[:], v.CreatedOn.Micros(), v.Data)
	if err != nil {
		return err
	}
	last := v.CreatedOn
	if in.LastVlob != nil && in.LastVlob.After(last) {
		last = *in.LastVlob
	}
	return tx.Put(ctx, `UPDATE realm SET checkpoint = $3, last_vlob = $4, vlob_bytes = vlob_bytes + $5 WHERE org = $1 AND id = $2`,
		org, in.ID[:], count(in.Checkpoint), last.Micros(), int64(len(v.Data)))
}

const vlobColumns = `SELECT id, version, key_index, author, created_on, data FROM vlob WHERE org = $1 AND realm = $2 AND id = $3 `

// Vlobs returns the versions that statements ask for, such as VlobsAt and VlobVersions make.
func Vlobs(ctx context.Context, tx *store.Tx, wanted []store.Statement) (all []Vlob, err error) {
	err = tx.Many(ctx, wanted, func(r store.Row) error {
		v := Vlob{}
		err := r.Scan(store.Fixed(&v.ID), store.Small(&v.Version), store.Small(&v.KeyIndex), store.Fixed(&v.Author), store.Time(&v.CreatedOn), &v.Data)
		all = append(all, v)
		return err
	})
	return all, err
}

// VlobsAt asks for the last versions of vlobs as of a moment, or as of now for nil; ids that are not there are left out.
func VlobsAt(org int64, in trust.RealmID, ids []trust.VlobID, at *trust.DateTime) []store.Statement {
	wanted := make([]store.Statement, 0, len(ids))
	for _, id := range ids {
		if at == nil {
			wanted = append(wanted, store.SQL(vlobColumns+`ORDER BY version DESC LIMIT 1`, org, in[:], id[:]))
		} else {
			wanted = append(wanted, store.SQL(vlobColumns+`AND created_on <= $4 ORDER BY version DESC LIMIT 1`, org, in[:], id[:], at.Micros()))
		}
	}
	return wanted
}

// VersionOf names a version of a vlob.
type VersionOf struct {
	ID      trust.VlobID
	Version uint32
}

// VlobVersions asks for versions; those that are not there are left out.
func VlobVersions(org int64, in trust.RealmID, which []VersionOf) []store.Statement {
	wanted := make([]store.Statement, 0, len(which))
	for _, w := range which {
		wanted = append(wanted, store.SQL(vlobColumns+`AND version = $4`, org, in[:], w.ID[:], int64(w.Version)))
	}
	return wanted
}

// VlobChanges returns the last version of each vlob that was written after a checkpoint.
func VlobChanges(ctx context.Context, tx *store.Tx, org int64, in trust.RealmID, checkpoint uint64) (all []VersionOf, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT id, max(version) FROM vlob WHERE org = $1 AND realm = $2 AND checkpoint > $3 GROUP BY id ORDER BY max(checkpoint)`,
		org, in[:], count(checkpoint)), func(r store.Row) error {
		v := VersionOf{}
		err := r.Scan(store.Fixed(&v.ID), store.Small(&v.Version))
		all = append(all, v)
		return err
	})
	return all, err
}
