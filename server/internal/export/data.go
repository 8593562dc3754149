package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const (
	// vlobBatch and blockBatch are how many are in memory at once; each may have a mebibyte.
	vlobBatch  = 64
	blockBatch = 32
	rowBatch   = 1000
	// readers read blocks at once.
	readers = 8
	// A block store that does not answer is asked so often, with a pause that doubles.
	tries      = 6
	firstPause = 250 * time.Millisecond
)

// vlobs writes versions of vlobs in the order in which they were written.
func (r *run) vlobs(ctx context.Context) error {
	last, done, err := r.out.progress(ctx, `SELECT coalesce(max(sequential_id), 0), coalesce(sum(size), 0) FROM vlob_atom`)
	if err != nil {
		return err
	}
	for last < r.totals.Checkpoint {
		r.tell("vlobs", done, r.totals.VlobBytes)
		var batch []tables.CheckpointedVlob
		err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
			batch, err = tables.RealmVlobs(ctx, tx, r.org, r.Realm, last, r.totals.Checkpoint, vlobBatch)
			return err
		})
		if err == nil && len(batch) == 0 {
			err = fmt.Errorf("%w: vlobs are missing: the realm was deleted meanwhile", ErrDeleted)
		}
		if err != nil {
			return err
		}
		err = r.out.change(ctx, func(out *sql.Tx) error {
			for _, v := range batch {
				_, err := out.ExecContext(ctx, `INSERT INTO vlob_atom (sequential_id, vlob_id, version, key_index, blob, size, author, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
					v.Checkpoint, v.ID[:], v.Version, v.KeyIndex, v.Data, len(v.Data), v.Author[:], v.CreatedOn.Micros())
				if err != nil {
					return err
				}
				last, done = v.Checkpoint, done+uint64(len(v.Data))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return r.out.done(ctx, "vlobs_export_done")
}

// blocks writes what is known of blocks, in one go: it is little.
func (r *run) blocks(ctx context.Context) error {
	r.tell("blocks", 0, r.totals.BlockBytes)
	return r.out.change(ctx, func(out *sql.Tx) error {
		var after *tables.Block
		for n := 1; ; {
			var batch []tables.Block
			err := r.Store.Read(ctx, func(tx *store.Tx) (err error) {
				batch, err = tables.RealmBlocks(ctx, tx, r.org, r.Realm, r.at, after, rowBatch)
				return err
			})
			if err != nil {
				return err
			}
			for _, b := range batch {
				_, err := out.ExecContext(ctx, `INSERT INTO block (sequential_id, block_id, author, size, key_index) VALUES (?, ?, ?, ?, ?)`,
					n, b.ID[:], b.Author[:], b.Size, b.KeyIndex)
				if err != nil {
					return err
				}
				n++
			}
			if len(batch) < rowBatch {
				break
			}
			after = &batch[len(batch)-1]
		}
		_, err := out.ExecContext(ctx, `UPDATE info SET blocks_metadata_export_done = 1`)
		return err
	})
}

// wanted is a block whose content is missing.
type wanted struct {
	sequence int64
	id       trust.BlockID
	data     []byte
}

// contents writes what blocks contain.
func (r *run) contents(ctx context.Context) error {
	_, done, err := r.out.progress(ctx, `SELECT 0, coalesce(sum(b.size), 0) FROM block_data d JOIN block b ON b.sequential_id = d.block`)
	if err != nil {
		return err
	}
	for last := int64(0); ; {
		r.tell("contents of blocks", done, r.totals.BlockBytes)
		batch, err := r.out.missing(ctx, last)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return r.out.done(ctx, "blocks_data_export_done")
		}
		group, inside := errgroup.WithContext(ctx)
		group.SetLimit(readers)
		for i := range batch {
			group.Go(func() (err error) {
				batch[i].data, err = r.read(inside, batch[i].id)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		err = r.out.change(ctx, func(out *sql.Tx) error {
			for _, w := range batch {
				if _, err := out.ExecContext(ctx, `INSERT INTO block_data (block, data) VALUES (?, ?)`, w.sequence, w.data); err != nil {
					return err
				}
				last, done = w.sequence, done+uint64(len(w.data))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// read reads a block, and tries again for a while when the store does not answer.
func (r *run) read(ctx context.Context, id trust.BlockID) ([]byte, error) {
	pause := firstPause
	for try := 1; ; try++ {
		data, err := r.Blocks.Read(ctx, r.Organization, id)
		if err == nil {
			return data, nil
		}
		if !errors.Is(err, blocks.ErrUnavailable) || try == tries {
			return nil, fmt.Errorf("cannot read block %s: %w", id, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		pause *= 2
	}
}

// missing returns some blocks after one whose content is missing.
func (o *output) missing(ctx context.Context, after int64) (all []wanted, err error) {
	rows, err := o.db.QueryContext(ctx, `SELECT b.sequential_id, b.block_id FROM block b LEFT JOIN block_data d ON d.block = b.sequential_id
		WHERE b.sequential_id > ? AND d.block IS NULL ORDER BY b.sequential_id LIMIT ?`, after, blockBatch)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOther, err)
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for rows.Next() {
		w := wanted{}
		if err := rows.Scan(&w.sequence, store.Fixed(&w.id)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOther, err)
		}
		all = append(all, w)
	}
	return all, nil
}

// progress reads how far a step is.
func (o *output) progress(ctx context.Context, query string) (last, done uint64, err error) {
	if err := o.db.QueryRowContext(ctx, query).Scan(&last, &done); err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrOther, err)
	}
	return last, done, nil
}

// done notes that a step is.
func (o *output) done(ctx context.Context, column string) error {
	return o.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE info SET `+column+` = 1`) //nolint:gosec // a constant
		return err
	})
}
