package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/backup"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/option"
)

// locate decides where everything is, for commands that stand beside run.
func (p *Program) locate(o *runOptions) (*slog.Logger, error) {
	log, err := logger(p.Err, o.logLevel, o.logFormat)
	if err != nil {
		return nil, err
	}
	if o.db == mocked {
		return nil, usagef("--db %s: that database goes with its process", mocked)
	}
	_, err = o.place(p.Getenv)
	return log, err
}

// blockStore returns what opens the block store, to read it only or to write too.
func (o *runOptions) blockStore(log *slog.Logger, readOnly bool) (func(context.Context, *pgxpool.Pool) (blocks.Store, error), error) {
	where, err := option.Parse(o.blocks)
	if err != nil {
		return nil, &usageError{err}
	}
	for _, m := range where.Members {
		if m.Kind == option.Mocked {
			return nil, usagef("--blockstore %s: that store goes with its process", mocked)
		}
	}
	return func(ctx context.Context, pool *pgxpool.Pool) (blocks.Store, error) {
		return where.Open(ctx, option.Resources{Pool: pool, Log: log, ReadOnly: readOnly})
	}, nil
}

// reportPause is how often work that lasts says how far it is.
const reportPause = time.Second

// reporter says how far work is, now and then.
func reporter(w io.Writer, what string) func(backup.Progress) {
	last := time.Now()
	return func(done backup.Progress) {
		if time.Since(last) < reportPause {
			return
		}
		last = time.Now()
		_, _ = fmt.Fprintf(w, "%s: %s\n", what, progress(done))
	}
}

func progress(p backup.Progress) string {
	text := fmt.Sprintf("%d rows", p.Rows)
	if p.Blocks > 0 {
		text += fmt.Sprintf(", %d of %d blocks, %.1f of %.1f MB", p.Blocks, p.AllBlocks, float64(p.Bytes)/1e6, float64(p.AllBytes)/1e6)
	}
	if p.Lost > 0 {
		text += fmt.Sprintf(", %d blocks LOST", p.Lost)
	}
	return text
}

// closeAll closes what a command had open.
func closeAll(err error, closers ...io.Closer) error {
	for _, c := range closers {
		err = errors.Join(err, c.Close())
	}
	return err
}
