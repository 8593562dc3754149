package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// pgConn is a connection of PostgreSQL inside of a transaction. Statements whose outcome nobody waits for go ahead of the next one, without a way there and back of their own.
type pgConn struct {
	tx    *pgx.Conn
	ahead *pgx.Batch
	// foreseen is what will be asked next, and only that is, if only is set. Once it was sent, coming has the answers.
	foreseen []Statement
	only     bool
	coming   pgx.BatchResults
}

// errUnforeseen is a question in a transaction that ended with those that were foreseen.
var errUnforeseen = errors.New("a statement was not foreseen")

// queue has a statement sent ahead of the next one. What was asked before it does not know of it, and is asked again.
func (c *pgConn) queue(text string, args ...any) {
	if c.coming != nil {
		c.foreseen = nil
	}
	c.ahead.Queue(text, args...)
}

func (c *pgConn) foresee(all []Statement, only bool) { c.foreseen, c.only = all, only }

// take answers a statement that was foreseen, and reports false for any other.
func (c *pgConn) take(ctx context.Context, s Statement, f func(Row) error) (bool, error) {
	if len(c.foreseen) == 0 || !c.foreseen[0].is(s) {
		return false, nil
	}
	if c.coming == nil {
		if err := c.askAhead(ctx); err != nil {
			return true, err
		}
	}
	c.foreseen = c.foreseen[1:]
	rows, err := c.coming.Query()
	if err != nil {
		return true, err
	}
	return true, drain(rows, f)
}

// askAhead sends all that is foreseen, and the end of the transaction if that is all.
func (c *pgConn) askAhead(ctx context.Context) error {
	batch := c.ahead
	c.ahead = &pgx.Batch{}
	n := batch.Len()
	for _, s := range c.foreseen {
		batch.Queue(s.text, s.args...)
	}
	if c.only {
		batch.Queue(commit)
	}
	c.coming = c.tx.SendBatch(ctx, batch)
	for range n {
		if _, err := c.coming.Exec(); err != nil {
			return err
		}
	}
	return nil
}

// forget passes over answers that nobody asked for.
func (c *pgConn) forget() error {
	if c.coming == nil {
		return nil
	}
	err := c.coming.Close()
	c.coming, c.foreseen = nil, nil
	return err
}

// send sends what waits, and has the last of so many statements answered by last.
func (c *pgConn) send(ctx context.Context, last int, answer func(pgx.BatchResults) error) (err error) {
	if c.only {
		return errUnforeseen
	}
	if err := c.forget(); err != nil {
		return err
	}
	batch := c.ahead
	c.ahead = &pgx.Batch{}
	n := batch.Len() - last
	results := c.tx.SendBatch(ctx, batch)
	defer func() {
		if e := results.Close(); err == nil {
			err = e
		}
	}()
	for range n {
		if _, err := results.Exec(); err != nil {
			return err
		}
	}
	return answer(results)
}

func (c *pgConn) put(_ context.Context, s Statement) error {
	c.queue(s.text, s.args...)
	return nil
}

func (c *pgConn) exec(ctx context.Context, s Statement) (changed int64, err error) {
	c.queue(s.text, s.args...)
	err = c.send(ctx, 1, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		changed = tag.RowsAffected()
		return err
	})
	return changed, err
}

func (c *pgConn) each(ctx context.Context, s Statement, f func(Row) error) error {
	return c.many(ctx, []Statement{s}, f)
}

func (c *pgConn) many(ctx context.Context, all []Statement, f func(Row) error) error {
	for len(all) > 0 {
		ok, err := c.take(ctx, all[0], f)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		all = all[1:]
	}
	if len(all) == 0 {
		return nil
	}
	for _, s := range all {
		c.queue(s.text, s.args...)
	}
	return c.send(ctx, len(all), func(results pgx.BatchResults) error {
		for range all {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			if err := drain(rows, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func drain(rows pgx.Rows, f func(Row) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lock takes all locks in their order, before what comes next.
func (c *pgConn) lock(_ context.Context, locks []Lock) error {
	for _, l := range ordered(locks) {
		text := "SELECT pg_advisory_xact_lock($1)"
		if l.shared {
			text = "SELECT pg_advisory_xact_lock_shared($1)"
		}
		c.queue(text, int64(l.key)) //nolint:gosec // kinds are small: the highest bit is clear
	}
	return nil
}

// errRolledBack is what PostgreSQL makes of a commit after a failure.
var errRolledBack = errors.New("the transaction was rolled back when it was to be committed")

// commit sends messages and commits.
func (c *pgConn) commit(ctx context.Context, messages []Message) error {
	for _, m := range messages {
		text := m.Encode()
		if len(text) > MaxMessage {
			return fmt.Errorf("a message of %d bytes is longer than %d", len(text), MaxMessage)
		}
		c.queue("SELECT pg_notify($1, $2)", channel, text)
	}
	c.queue(commit)
	return c.send(ctx, 1, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		if err == nil && tag.String() != commit {
			err = errRolledBack
		}
		return err
	})
}
