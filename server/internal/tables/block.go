package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Block is what is known of a block besides its content.
type Block struct {
	ID        trust.BlockID
	Realm     trust.RealmID
	KeyIndex  uint64
	Author    trust.DeviceID
	Size      uint64
	CreatedOn trust.DateTime
	// Stored says that the content is in the block store.
	Stored bool
}

// BlockStatement is what GetBlock asks.
func BlockStatement(org int64, id trust.BlockID) store.Statement {
	return store.SQL(`SELECT realm, key_index, author, size, created_on, stored FROM block WHERE org = $1 AND id = $2`, org, id[:])
}

// GetBlock returns a block of an organisation, or nil.
func GetBlock(ctx context.Context, tx *store.Tx, org int64, id trust.BlockID) (*Block, error) {
	b := &Block{ID: id}
	found, err := tx.Get(ctx, BlockStatement(org, id),
		store.Fixed(&b.Realm), store.Small(&b.KeyIndex), store.Fixed(&b.Author), store.Small(&b.Size), store.Time(&b.CreatedOn), store.Bool(&b.Stored))
	if err != nil || !found {
		return nil, err
	}
	return b, nil
}

// ReserveBlock makes an id belong to a realm, before its content is stored.
func ReserveBlock(ctx context.Context, tx *store.Tx, org int64, b Block) error {
	return tx.Put(ctx, `INSERT INTO block (org, id, realm, key_index, author, size, created_on, stored) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)`,
		org, b.ID[:], b.Realm[:], count(b.KeyIndex), b.Author[:], count(b.Size), b.CreatedOn.Micros())
}

// AddBlock adds a block whose content is stored in the same transaction.
func AddBlock(ctx context.Context, tx *store.Tx, org int64, b Block) error {
	err := tx.Put(ctx, `INSERT INTO block (org, id, realm, key_index, author, size, created_on, stored) VALUES ($1, $2, $3, $4, $5, $6, $7, 1)`,
		org, b.ID[:], b.Realm[:], count(b.KeyIndex), b.Author[:], count(b.Size), b.CreatedOn.Micros())
	if err != nil {
		return err
	}
	return addBytes(ctx, tx, org, b)
}

// addBytes counts a block that is stored.
func addBytes(ctx context.Context, tx *store.Tx, org int64, b Block) error {
	return tx.Put(ctx, `UPDATE realm SET block_bytes = block_bytes + $3 WHERE org = $1 AND id = $2`, org, b.Realm[:], count(b.Size))
}

// TakeOver makes the reservation of somebody who did not come to an end that of b, and reports false if it is not what it was.
func TakeOver(ctx context.Context, tx *store.Tx, org int64, b Block, was trust.DateTime) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE block SET key_index = $3, author = $4, size = $5, created_on = $6 WHERE org = $1 AND id = $2 AND stored = 0 AND created_on = $7`,
		org, b.ID[:], count(b.KeyIndex), b.Author[:], count(b.Size), b.CreatedOn.Micros(), was.Micros())
	return n > 0, err
}

// ConfirmBlock makes the block that b reserved count, and reports false if the reservation is not b's any more.
func ConfirmBlock(ctx context.Context, tx *store.Tx, org int64, b Block) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE block SET stored = 1 WHERE org = $1 AND id = $2 AND realm = $3 AND stored = 0 AND created_on = $4 AND author = $5`,
		org, b.ID[:], b.Realm[:], b.CreatedOn.Micros(), b.Author[:])
	if err != nil || n == 0 {
		return false, err
	}
	return true, addBytes(ctx, tx, org, b)
}

// Abandon makes the reservation of b one of a moment before, when it has failed, so that others need not wait.
func Abandon(ctx context.Context, tx *store.Tx, org int64, b Block, before trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE block SET created_on = $4 WHERE org = $1 AND id = $2 AND stored = 0 AND created_on = $3 AND author = $5`,
		org, b.ID[:], b.CreatedOn.Micros(), before.Micros(), b.Author[:])
	return err
}

// AbandonAll makes all reservations so much older, in microseconds.
func AbandonAll(ctx context.Context, tx *store.Tx, by int64) error {
	_, err := tx.Exec(ctx, `UPDATE block SET created_on = created_on - $1 WHERE stored = 0`, by)
	return err
}

// CondemnedStatement is what Condemned asks.
func CondemnedStatement(org int64, id trust.BlockID) store.Statement {
	return store.SQL(`SELECT 1 FROM condemned_block WHERE org = $1 AND id = $2`, org, id[:])
}

// Condemned reports whether a block is being removed from the block store.
func Condemned(ctx context.Context, tx *store.Tx, org int64, id trust.BlockID) (bool, error) {
	one := int64(0)
	return tx.Get(ctx, CondemnedStatement(org, id), &one)
}

// Condemn notes that a block is being removed, unless it has a row or was condemned after held. The caller has the blocks to itself.
func Condemn(ctx context.Context, tx *store.Tx, org int64, id trust.BlockID, now, held trust.DateTime) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO condemned_block (org, id, since) SELECT $1, $2, $3
		WHERE NOT EXISTS (SELECT 1 FROM block WHERE org = $1 AND id = $2)
		ON CONFLICT (org, id) DO UPDATE SET since = excluded.since WHERE condemned_block.since <= $4`, org, id[:], now.Micros(), held.Micros())
	return n > 0, err
}

// Release lets a row be made again for a block that was condemned.
func Release(ctx context.Context, tx *store.Tx, org int64, id trust.BlockID) error {
	_, err := tx.Exec(ctx, `DELETE FROM condemned_block WHERE org = $1 AND id = $2`, org, id[:])
	return err
}

// StoredBlocks returns at most so many blocks whose content is stored, in ascending order: the first ones, or those after an id.
func StoredBlocks(ctx context.Context, tx *store.Tx, org int64, after trust.BlockID, first bool, most int) (all []Block, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT id, realm, size FROM block WHERE org = $1 AND stored = 1 AND (id > $2 OR $3 = 1) ORDER BY id LIMIT $4`,
		org, after[:], store.Truth(first), int64(most)), func(r store.Row) error {
		b := Block{Stored: true}
		err := r.Scan(store.Fixed(&b.ID), store.Fixed(&b.Realm), store.Small(&b.Size))
		all = append(all, b)
		return err
	})
	return all, err
}
