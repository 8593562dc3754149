// Package postgres keeps blocks in a table of a PostgreSQL data base, which is described in
// docs/formats/blockstore.md. It is meant for small installations that have nothing else:
// the data base and its backups grow with every block.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// patience bounds one operation, waiting for a connection included.
const patience = 30 * time.Second

// Store is a table of a data base.
type Store struct{ pool *pgxpool.Pool }

var (
	_ blocks.Store    = (*Store)(nil)
	_ blocks.Appender = (*Store)(nil)
)

// New makes the table, if it is absent, and checks that it is ours. The pool stays the
// caller's.
func New(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := prepare(ctx, pool); err != nil {
		return nil, fmt.Errorf("cannot use the data base for blocks: %w", err)
	}
	return &Store{pool}, nil
}

// Create implements blocks.Store.
func (s *Store) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := blocks.CheckCreate(ctx, org, data); err != nil {
		return err
	}
	if data == nil {
		data = []byte{} // nil would be NULL
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A row that is in the way may be deleted before it is looked at.
	for range 5 {
		done, err := s.create(ctx, org, id, data)
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the block comes and goes", blocks.ErrUnavailable)
}

// create reports whether the block is there now.
func (s *Store) create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) (bool, error) {
	const insert = `INSERT INTO ` + table + ` (organization_id, block_id, data) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	tag, err := s.pool.Exec(ctx, insert, org.String(), [16]byte(id), data)
	if err != nil {
		return false, blocks.Unavailable(err)
	}
	if tag.RowsAffected() == 1 {
		return true, nil
	}
	const compare = `SELECT data = $3 FROM ` + table + ` WHERE organization_id = $1 AND block_id = $2`
	var same bool
	err = s.pool.QueryRow(ctx, compare, org.String(), [16]byte(id), data).Scan(&same)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, blocks.Unavailable(err)
	case !same:
		return false, blocks.ErrExists
	}
	return true, nil
}

// Read implements blocks.Store.
func (s *Store) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	data, err := s.Append(ctx, []byte{}, org, id)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// Append implements blocks.Appender.
func (s *Store) Append(ctx context.Context, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := blocks.Check(ctx, org); err != nil {
		return into, err
	}
	return appendRow(ctx, s.pool, into, read, org, id)
}

// appendRow runs a query for a block of at most $3 bytes, which is NULL if it has more.
func appendRow(ctx context.Context, pool *pgxpool.Pool, into []byte, query string, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	data := content{b: into}
	err := pool.QueryRow(ctx, query, org.String(), [16]byte(id), blocks.MaxSize).Scan(&data)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return into, blocks.ErrNotFound
	case err != nil:
		return into, blocks.Unavailable(err)
	case data.missing:
		return into, fmt.Errorf("%w: it has more than %d bytes", blocks.ErrCorrupt, blocks.MaxSize)
	}
	return data.b, nil
}

// content takes a value behind what is there, without a copy in between.
type content struct {
	b       []byte
	missing bool
}

// ScanBytes implements pgtype.BytesScanner.
func (c *content) ScanBytes(v []byte) error {
	c.missing = v == nil
	c.b = append(c.b, v...)
	return nil
}

// Delete implements blocks.Store.
func (s *Store) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	if err := blocks.Check(ctx, org); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const remove = `DELETE FROM ` + table + ` WHERE organization_id = $1 AND block_id = $2`
	if _, err := s.pool.Exec(ctx, remove, org.String(), [16]byte(id)); err != nil {
		return blocks.Unavailable(err)
	}
	return nil
}

// List implements blocks.Store.
func (s *Store) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	if err := blocks.CheckList(ctx, org, limit); err != nil {
		return nil, err
	}
	const list = `SELECT block_id, created_at FROM ` + table +
		` WHERE organization_id = $1 AND ($2::uuid IS NULL OR block_id > $2) ORDER BY block_id LIMIT $3`
	return listRows(ctx, s.pool, list, org, after, limit)
}

// listRows runs a query for ids and times.
func listRows(ctx context.Context, pool *pgxpool.Pool, query string, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := pool.Query(ctx, query, org.String(), (*[16]byte)(after), limit)
	if err != nil {
		return nil, blocks.Unavailable(err)
	}
	page, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (blocks.Entry, error) {
		var e blocks.Entry
		err := row.Scan((*[16]byte)(&e.ID), &e.Modified)
		return e, err
	})
	if err != nil {
		return nil, blocks.Unavailable(err)
	}
	return page, nil
}

// Health implements blocks.Store.
func (s *Store) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var readOnly bool
	if err := s.pool.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&readOnly); err != nil {
		return blocks.Unavailable(err)
	}
	if readOnly {
		return fmt.Errorf("%w: the data base is a standby, which takes no blocks", blocks.ErrDegraded)
	}
	return nil
}

// Close implements blocks.Store. The pool stays open.
func (*Store) Close() error { return nil }
