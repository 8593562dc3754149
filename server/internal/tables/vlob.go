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

// LastVersion returns the last version of a vlob in a realm, 0 for none.
func LastVersion(ctx context.Context, tx *store.Tx, org int64, in trust.RealmID, id trust.VlobID) (version uint32, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT version FROM vlob WHERE org = $1 AND realm = $2 AND id = $3 ORDER BY version DESC LIMIT 1`,
		org, in[:], id[:]), store.Small(&version))
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

func vlobs(ctx context.Context, tx *store.Tx, text string, args [][]any) (all []Vlob, err error) {
	err = tx.Many(ctx, text, args, func(r store.Row) error {
		v := Vlob{}
		err := r.Scan(store.Fixed(&v.ID), store.Small(&v.Version), store.Small(&v.KeyIndex), store.Fixed(&v.Author), store.Time(&v.CreatedOn), &v.Data)
		all = append(all, v)
		return err
	})
	return all, err
}

// VlobsAt returns the last versions of vlobs as of a moment, or as of now for nil; ids that are not there are left out.
func VlobsAt(ctx context.Context, tx *store.Tx, org int64, in trust.RealmID, ids []trust.VlobID, at *trust.DateTime) ([]Vlob, error) {
	text, args := vlobColumns+`ORDER BY version DESC LIMIT 1`, [][]any{}
	if at != nil {
		text = vlobColumns + `AND created_on <= $4 ORDER BY version DESC LIMIT 1`
	}
	for _, id := range ids {
		a := []any{org, in[:], id[:]}
		if at != nil {
			a = append(a, at.Micros())
		}
		args = append(args, a)
	}
	return vlobs(ctx, tx, text, args)
}

// VersionOf names a version of a vlob.
type VersionOf struct {
	ID      trust.VlobID
	Version uint32
}

// VlobVersions returns versions; those that are not there are left out.
func VlobVersions(ctx context.Context, tx *store.Tx, org int64, in trust.RealmID, which []VersionOf) ([]Vlob, error) {
	args := [][]any{}
	for _, w := range which {
		args = append(args, []any{org, in[:], w.ID[:], int64(w.Version)})
	}
	return vlobs(ctx, tx, vlobColumns+`AND version = $4`, args)
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
