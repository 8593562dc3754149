package backup

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// Why a backup is not restored.
var (
	ErrKey      = errors.New("the backup belongs to another server key: give the key file that was kept beside it")
	ErrNotEmpty = errors.New("the database is not empty: a backup is restored into an empty one")
)

// Target is where a backup goes.
type Target struct {
	// Open opens the database, and brings its schema to a version, the newest for 0.
	Open func(ctx context.Context, upTo int64) (*store.Store, error)
	// Blocks opens the block store.
	Blocks func(context.Context, *pgxpool.Pool) (blocks.Store, error)
	// Agreement is what the server's key gives.
	Agreement []byte
	// WithoutBlocks does not ask whether the block store has what a backup without blocks names.
	WithoutBlocks bool
	// Progress hears how far it is, nil for nobody.
	Progress func(Progress)
}

// Restore puts a backup that was verified into an empty place. Blocks come first; then all rows become visible at once.
func Restore(ctx context.Context, b *Backup, t Target) (err error) {
	if t.Progress == nil {
		t.Progress = func(Progress) {}
	}
	if b.Agreement != nil && !hmac.Equal(b.Agreement, t.Agreement) {
		return ErrKey
	}
	s, err := t.Open(ctx, b.Schema)
	if err != nil {
		return err
	}
	err = t.restore(ctx, b, s)
	if err := errors.Join(err, s.Close()); err != nil {
		return err
	}
	if s, err = t.Open(ctx, 0); err != nil {
		return err
	}
	return s.Close()
}

func (t *Target) restore(ctx context.Context, b *Backup, s *store.Store) (err error) {
	tables, err := store.Schema(ctx, b.Schema)
	if err != nil {
		return err
	}
	if err := s.Read(ctx, func(tx *store.Tx) error { return wantEmpty(ctx, tx) }); err != nil {
		return err
	}
	kept, err := t.Blocks(ctx, s.Pool())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.Close()) }()
	if err := t.restoreBlocks(ctx, b, kept); err != nil {
		return err
	}
	return s.Write(ctx, []store.Lock{store.Server()}, func(tx *store.Tx) error {
		if err := wantEmpty(ctx, tx); err != nil {
			return err
		}
		for _, table := range tables { // migrations may have written rows
			if _, err := tx.Exec(ctx, `DELETE FROM `+table.Name); err != nil {
				return err
			}
		}
		return b.insert(ctx, tx, t.Progress)
	})
}

// wantEmpty refuses a database that a server was started on.
func wantEmpty(ctx context.Context, tx *store.Tx) error {
	n := int64(0)
	_, err := tx.Get(ctx, store.SQL(`SELECT (SELECT count(*) FROM organization) + (SELECT count(*) FROM agreement)`), &n)
	if err == nil && n > 0 {
		return ErrNotEmpty
	}
	return err
}

func (t *Target) restoreBlocks(ctx context.Context, b *Backup, to blocks.Store) error {
	if b.Blocks {
		return b.readBlocks(ctx, func(ctx context.Context, block *Block, content []byte) error {
			if err := to.Create(ctx, block.Organization, block.ID, content); err != nil {
				return fmt.Errorf("block %s of organisation %s: %w", block.ID, block.Organization, err)
			}
			return nil
		}, t.Progress)
	}
	if t.WithoutBlocks {
		return nil
	}
	missing, first := 0, ""
	err := b.absent(ctx, to, func(w wanted) {
		if missing++; missing == 1 {
			first = fmt.Sprintf("block %s of organisation %s", w.id, b.orgs[w.org])
		}
	})
	if err == nil && missing > 0 {
		err = fmt.Errorf("the backup has no blocks, and the block store lacks %d that it names, such as %s", missing, first)
	}
	return err
}

// insert writes all rows, with a sum that is right again.
func (b *Backup) insert(ctx context.Context, tx *store.Tx, progress func(Progress)) error {
	done, into := b.Done, store.Inserter{}
	done.Rows = 0
	err := b.records(func(r Record) error {
		switch r := r.(type) {
		case *Table:
			if err := into.Flush(ctx, tx); err != nil {
				return err
			}
			into = store.Inserter{Table: r.Name, Columns: r.Columns}
		case Row:
			done.Rows++
			progress(done)
			return into.Add(ctx, tx, r)
		}
		return ctx.Err()
	})
	return errors.Join(err, into.Flush(ctx, tx))
}
