package tables

import (
	"context"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Erased is an organisation that is no more.
type Erased struct {
	Num      int64
	ID       trust.OrganizationID
	ErasedOn trust.DateTime
	// RowsGone says that nothing of it is left in the database but blocks to be removed from the block store.
	RowsGone bool
}

// owned are the tables with rows of organisations, and their keys. Blocks are not among them: they are condemned.
var owned = []struct{ table, key string }{
	{"vlob", "realm, id, version"},
	{"keys_access", "realm, key_index, person"},
	{"keys_bundle", "realm, key_index"},
	{"sequester_access", "realm, key_index, service"},
	{"sequester_service", "id"},
	{"realm_role", "realm, person"},
	{"realm", "id"},
	{"greeting_step", "attempt, side, step"},
	{"greeting_attempt", "id"},
	{"invitation", "num"},
	{"totp", "person"},
	{"opaque_key", "person, id"},
	{"enrollment", "id"},
	{"shamir_share", "person, set_up_on, recipient"},
	{"shamir_recovery", "person, set_up_on"},
	{"certificate", "topic, subject, signed_on, rank"},
	{"device", "id"},
	{"profile", "person, since"},
	{"person", "id"},
}

// eraseSome are the statements that remove rows of an organisation, some at a time.
var eraseSome = func() (all []string) {
	for _, o := range owned {
		key := "(" + o.key + ")"
		if !strings.Contains(o.key, ",") {
			key = o.key
		}
		all = append(all, `DELETE FROM `+o.table+` WHERE org = $1 AND `+key+` IN (SELECT `+o.key+` FROM `+o.table+` WHERE org = $1 LIMIT $2)`)
	}
	return all
}()

// MarkErased takes an organisation away from everybody. The rest of it goes by EraseSome. The caller holds the lock of the server.
func MarkErased(ctx context.Context, tx *store.Tx, o *Organization, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `INSERT INTO erased_organization (num, id, erased_on) VALUES ($1, $2, $3)`, o.Num, o.ID.String(), now.Micros())
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM organization WHERE num = $1`, o.Num)
	return err
}

// EraseSome removes rows of an organisation that was marked, condemns its blocks, and reports whether there may be more.
func EraseSome(ctx context.Context, tx *store.Tx, org int64) (more bool, err error) {
	for _, text := range eraseSome {
		n, err := tx.Exec(ctx, text, org, int64(PurgeBatch))
		if err != nil || n > 0 {
			return true, err // the next transaction goes on
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO condemned_block (org, id, since) SELECT org, id, 0 FROM block WHERE org = $1 ORDER BY id LIMIT $2
		ON CONFLICT (org, id) DO NOTHING`, org, int64(PurgeBatch))
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM block WHERE org = $1 AND id IN (SELECT id FROM block WHERE org = $1 ORDER BY id LIMIT $2)`, org, int64(PurgeBatch))
	return n > 0, err
}

// MarkRowsGone notes that no row of an organisation is left, and that none can come any more.
func MarkRowsGone(ctx context.Context, tx *store.Tx, org int64, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE erased_organization SET rows_gone_on = $2 WHERE num = $1 AND rows_gone_on IS NULL`, org, now.Micros())
	return err
}

// MarkBlocksGone notes that no block of an organisation is left: its name is free.
func MarkBlocksGone(ctx context.Context, tx *store.Tx, org int64, now trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE erased_organization SET blocks_gone_on = $2 WHERE num = $1 AND rows_gone_on IS NOT NULL`, org, now.Micros())
	return err
}

// HalfErased returns organisations that were erased and have rows or blocks left.
func HalfErased(ctx context.Context, tx *store.Tx) (all []Erased, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT num, id, erased_on, CASE WHEN rows_gone_on IS NULL THEN 0 ELSE 1 END FROM erased_organization
		WHERE blocks_gone_on IS NULL ORDER BY num`), func(r store.Row) error {
		e, name := Erased{}, ""
		if err := r.Scan(&e.Num, &name, store.Time(&e.ErasedOn), store.Bool(&e.RowsGone)); err != nil {
			return err
		}
		id, err := trust.NewOrganizationID(name)
		e.ID = id
		all = append(all, e)
		return err
	})
	return all, err
}

// BeingErased returns the number of an organisation with a name that was erased and has rows or blocks left, 0 for none.
func BeingErased(ctx context.Context, tx *store.Tx, id trust.OrganizationID) (num int64, err error) {
	_, err = tx.Get(ctx, store.SQL(`SELECT num FROM erased_organization WHERE id = $1 AND blocks_gone_on IS NULL`, id.String()), &num)
	return num, err
}

// CondemnedBlocks returns blocks of an organisation that were condemned at a moment or before, at most so many.
func CondemnedBlocks(ctx context.Context, tx *store.Tx, org int64, until trust.DateTime, most int) (all []trust.BlockID, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT id FROM condemned_block WHERE org = $1 AND since <= $2 ORDER BY id LIMIT $3`, org, until.Micros(), int64(most)),
		func(r store.Row) error {
			id := trust.BlockID{}
			err := r.Scan(store.Fixed(&id))
			all = append(all, id)
			return err
		})
	return all, err
}

// DropCondemned forgets blocks of an organisation that were condemned, some at a time, and reports whether there may be more.
func DropCondemned(ctx context.Context, tx *store.Tx, org int64) (more bool, err error) {
	n, err := tx.Exec(ctx, `DELETE FROM condemned_block WHERE org = $1 AND id IN (SELECT id FROM condemned_block WHERE org = $1 ORDER BY id LIMIT $2)`, org, int64(PurgeBatch))
	return n == PurgeBatch, err
}
