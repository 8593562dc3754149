package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Original reads the table in which the original keeps blocks, to import them. It writes
// nothing.
type Original struct{ pool *pgxpool.Pool }

var _ blocks.Store = (*Original)(nil)

// errReadOnly is what writing to an original's table gives.
var errReadOnly = fmt.Errorf("%w: the tables of an original server are only read", blocks.ErrInvalid)

// OpenOriginal checks that the table is there and may be read. The pool stays the caller's.
func OpenOriginal(ctx context.Context, pool *pgxpool.Pool) (*Original, error) {
	o := &Original{pool}
	if err := o.Health(ctx); err != nil {
		return nil, fmt.Errorf("cannot read blocks of an original server: %w", err)
	}
	return o, nil
}

// Create implements blocks.Store: it is refused.
func (*Original) Create(context.Context, trust.OrganizationID, trust.BlockID, []byte) error {
	return errReadOnly
}

// Delete implements blocks.Store: it is refused.
func (*Original) Delete(context.Context, trust.OrganizationID, trust.BlockID) error {
	return errReadOnly
}

// Read implements blocks.Store.
func (o *Original) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return nil, err
	}
	const read = `SELECT CASE WHEN octet_length(data) <= $3 THEN data END FROM block_data WHERE organization_id = $1 AND block_id = $2`
	data, err := appendRow(ctx, o.pool, []byte{}, read, org, id)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// List implements blocks.Store. The original does not know when a block was stored: all
// are as young as can be.
func (o *Original) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	if err := blocks.CheckList(ctx, org, limit); err != nil {
		return nil, err
	}
	const list = `SELECT block_id, now() FROM block_data WHERE organization_id = $1 AND ($2::uuid IS NULL OR block_id > $2) ORDER BY block_id LIMIT $3`
	return listRows(ctx, o.pool, list, org, after, limit)
}

// Health implements blocks.Store.
func (o *Original) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var none int
	err := o.pool.QueryRow(ctx, `SELECT 1 FROM block_data WHERE organization_id = '' AND block_id IS NULL AND data IS NULL`).Scan(&none)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return blocks.Unavailable(err)
	}
	return nil
}

// Close implements blocks.Store. The pool stays open.
func (*Original) Close() error { return nil }
