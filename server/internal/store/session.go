package store

import (
	"context"
	"database/sql"
	"errors"
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

// session is one connection of SQLite with its prepared statements.
type session struct {
	*sql.Conn

	prepared map[string]*sql.Stmt
	// before runs before the first statement that writes, then never again.
	before func() error
}

func newSession(ctx context.Context, db *sql.DB) (*session, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &session{Conn: c, prepared: map[string]*sql.Stmt{}}, nil
}

// statement prepares a text once. Statements are not bound to contexts: they are short, and the driver would start a
// goroutine for each to be able to interrupt it.
func (c *session) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if s, ok := c.prepared[text]; ok {
		return s, nil
	}
	s, err := c.PrepareContext(context.WithoutCancel(ctx), text)
	if err == nil {
		c.prepared[text] = s
	}
	return s, err
}

func (c *session) run(ctx context.Context, text string) error {
	s, err := c.statement(ctx, text) //nolint:sqlclosecheck // kept until the session is closed
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.WithoutCancel(ctx))
	return err
}

func (c *session) exec(ctx context.Context, s Statement) (int64, error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return 0, err
		}
		c.before = nil
	}
	prepared, err := c.statement(ctx, s.text) //nolint:sqlclosecheck // kept until the session is closed
	if err != nil {
		return 0, sqliteFault(err)
	}
	result, err := prepared.ExecContext(context.WithoutCancel(ctx), s.args...)
	if err != nil {
		return 0, sqliteFault(err)
	}
	return result.RowsAffected()
}

func (c *session) each(ctx context.Context, s Statement, f func(Row) error) error {
	prepared, err := c.statement(ctx, s.text)
	if err != nil {
		return sqliteFault(err)
	}
	return c.rows(ctx, prepared, s.args, f)
}

func (c *session) rows(ctx context.Context, prepared *sql.Stmt, args []any, f func(Row) error) (err error) {
	rows, err := prepared.QueryContext(context.WithoutCancel(ctx), args...)
	if err != nil {
		return sqliteFault(err)
	}
	defer func() { err = errors.Join(err, sqliteFault(rows.Err()), rows.Close()) }()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return nil
}

func (c *session) many(ctx context.Context, text string, args [][]any, f func(Row) error) error {
	prepared, err := c.statement(ctx, text)
	if err != nil {
		return sqliteFault(err)
	}
	for _, a := range args {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.rows(ctx, prepared, a, f); err != nil {
			return err
		}
	}
	return nil
}

func (*session) lock(context.Context, []Lock) error { return nil }

func (c *session) close() error {
	errs := []error{}
	for _, s := range c.prepared {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Close())...)
}
