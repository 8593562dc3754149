package backup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options say what a backup is to be.
type Options struct {
	// Path is a directory to be, or a file where blocks are left out.
	Path string
	// Blocks are copied too, nil to leave them out.
	Blocks blocks.Store
	// TolerateLost notes blocks that the block store does not have, instead of failing.
	TolerateLost bool
	// Program is written into the backup.
	Program string
	// Progress hears how far it is, nil for nobody.
	Progress func(Progress)
}

// Progress says how far work has come.
type Progress struct {
	// Rows are those that were read or written.
	Rows uint64
	// Blocks were copied or looked at, of so many; Bytes likewise.
	Blocks, AllBlocks, Bytes, AllBytes uint64
	// Lost are blocks that are missing.
	Lost uint64
}

// Take makes a backup of a store that may be in use. What it has copied of blocks stays when it is interrupted, and is not copied again.
func Take(ctx context.Context, s *store.Store, o Options) (done Progress, err error) {
	p, err := occupy(o.Path, o.Blocks != nil)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	release := func() error { return nil }
	if o.Blocks != nil {
		if release, err = s.HoldBlocks(ctx); err != nil {
			return done, err
		}
	}
	t := taking{Options: o, place: p, orgs: map[int64]trust.OrganizationID{}}
	if t.Progress == nil {
		t.Progress = func(Progress) {}
	}
	err = t.run(ctx, s)
	if err = errors.Join(err, release()); err != nil {
		return t.done, err
	}
	return t.done, p.publish()
}

// taking is a backup that is being made.
type taking struct {
	Options
	*place

	buffer *bufio.Writer
	w      *Writer
	orgs   map[int64]trust.OrganizationID
	done   Progress
}

func (t *taking) run(ctx context.Context, s *store.Store) (err error) {
	t.buffer = bufio.NewWriterSize(t.file, 1<<20)
	if t.w, err = NewWriter(t.buffer); err != nil {
		return err
	}
	began := false
	err = s.Read(ctx, func(tx *store.Tx) error {
		if began {
			return fmt.Errorf("%w: it interrupted the reading of rows", store.ErrUnavailable)
		}
		began = true
		return t.rows(ctx, tx)
	})
	if err != nil {
		return err
	}
	if t.Blocks != nil {
		if err := t.copyBlocks(ctx); err != nil {
			return err
		}
	}
	if err := t.w.Finish(); err != nil {
		return err
	}
	return errors.Join(t.buffer.Flush(), t.file.Sync())
}

// rows writes all tables, as one state of the database has them.
func (t *taking) rows(ctx context.Context, tx *store.Tx) error {
	version, err := store.Version(ctx, tx)
	if err != nil {
		return err
	}
	if version == 0 {
		return errors.New("the database has nothing yet: no server ever ran on it")
	}
	tables, err := store.Schema(ctx, version)
	if err != nil {
		return err
	}
	now, err := trust.DateTimeOf(time.Now())
	if err != nil {
		return err
	}
	err = t.w.Write(&Header{CreatedOn: now, Schema: version, Program: t.Program, Blocks: t.Blocks != nil})
	for _, table := range tables {
		if err == nil {
			err = t.table(ctx, tx, table)
		}
	}
	return err
}

func (t *taking) table(ctx context.Context, tx *store.Tx, table store.Table) error {
	named := newNamer(&Table{Name: table.Name, Columns: names(table)})
	if err := t.w.Write(named.table); err != nil {
		return err
	}
	text := `SELECT ` + strings.Join(named.table.Columns, ", ") + ` FROM ` + table.Name + ` ORDER BY ` + strings.Join(table.Key, ", ")
	return tx.Each(ctx, store.SQL(text), func(r store.Row) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := make(Row, len(table.Columns))
		into := make([]any, len(row))
		for i := range row {
			into[i] = store.Any(&row[i])
		}
		if err := r.Scan(into...); err != nil {
			return err
		}
		if err := named.note(row, t.orgs, func(w wanted) error {
			t.done.AllBlocks++
			t.done.AllBytes += w.size
			return nil
		}); err != nil {
			return err
		}
		t.done.Rows++
		t.Progress(t.done)
		return t.w.Write(row)
	})
}

func names(t store.Table) (all []string) {
	for _, c := range t.Columns {
		all = append(all, c.Name)
	}
	return all
}
