package postgres

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

var _ blocks.Rows = (*Store)(nil)

// Put implements blocks.Rows.
func (*Store) Put(ctx context.Context, tx *store.Tx, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	return tx.Put(ctx, `INSERT INTO `+table+` (organization_id, block_id, data) VALUES ($1, $2, $3)
		ON CONFLICT (organization_id, block_id) DO UPDATE SET data = excluded.data, created_at = excluded.created_at`, org.String(), id.String(), data)
}

// read is of a block of at most $3 bytes, which is NULL if it has more.
const read = `SELECT CASE WHEN octet_length(data) <= $3 THEN data END FROM ` + table + ` WHERE organization_id = $1 AND block_id = $2`

// Statement implements blocks.Rows.
func (*Store) Statement(org trust.OrganizationID, id trust.BlockID) store.Statement {
	return store.SQL(read, org.String(), id.String(), int64(blocks.MaxSize))
}

// Get implements blocks.Rows.
func (s *Store) Get(ctx context.Context, tx *store.Tx, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return into, err
	}
	data := content{b: into}
	found, err := tx.Get(ctx, s.Statement(org, id), &data)
	switch {
	case err != nil:
		return into, err
	case !found:
		return into, blocks.ErrNotFound
	case data.missing:
		return into, fmt.Errorf("%w: it has more than %d bytes", blocks.ErrCorrupt, blocks.MaxSize)
	}
	return data.b, nil
}
