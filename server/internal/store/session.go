package store

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/lite"
)

// Statements that begin and end transactions of SQLite.
const (
	begin         = "BEGIN"
	beginWriting  = "BEGIN IMMEDIATE"
	commit        = "COMMIT"
	rollback      = "ROLLBACK"
	savepoint     = "SAVEPOINT job"
	releasePoint  = "RELEASE job"
	rollbackPoint = "ROLLBACK TO job"
)

// session is one connection of SQLite with its prepared statements, which are short: none waits for a context.
type session struct {
	*lite.Conn

	// before runs before the first statement that writes, then never again.
	before func() error
	// path is the file, of the session that writes.
	path string
}

// run runs a statement without arguments.
func (c *session) run(text string) error {
	_, err := c.Exec(text)
	return err
}

func (c *session) exec(_ context.Context, s Statement) (int64, error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return 0, err
		}
		c.before = nil
	}
	n, err := c.Exec(s.text, s.args...)
	return n, sqliteFault(err)
}

func (c *session) put(ctx context.Context, s Statement) error {
	_, err := c.exec(ctx, s)
	return err
}

func (c *session) each(_ context.Context, s Statement, f func(Row) error) error {
	return sqliteFault(c.Each(s.text, s.args, func(r *lite.Row) error { return f(r) }))
}

func (c *session) many(ctx context.Context, all []Statement, f func(Row) error) error {
	for _, s := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.each(ctx, s, f); err != nil {
			return err
		}
	}
	return nil
}

func (*session) foresee([]Statement, bool) {} // it is near

func (*session) lock(context.Context, []Lock) error { return nil }
