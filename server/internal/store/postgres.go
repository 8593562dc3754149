package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// defaultConnections is what the pool has at most; one more listens.
	defaultConnections = 8
	// attempts is how often a transaction is tried that others stood in the way of.
	attempts = 4
)

// postgres is a database that several processes share.
type postgres struct {
	pool      *pgxpool.Pool
	config    *pgx.ConnConfig
	log       *slog.Logger
	deliver   func(Message)
	committed func(Message)
	decode    func(string) (Message, error)
	stop      context.CancelFunc
	ended     sync.WaitGroup
	// heard is closed when the first messages can arrive.
	heard chan struct{}
}

func openPostgres(ctx context.Context, o Options) (backend, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, errors.New("the address of the store cannot be read") // the cause can show a password
	}
	config.MaxConns = int32(defaultConnections)
	if o.MaxConnections > 0 {
		config.MaxConns = int32(min(o.MaxConnections, 1000))
	}
	config.MinConns = min(int32(max(0, min(o.MinConnections, 1000))), config.MaxConns)
	config.ConnConfig.ConnectTimeout = 10 * time.Second
	config.ConnConfig.RuntimeParams["application_name"] = "parsec-server"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, postgresFault(err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, postgresFault(err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &postgres{
		pool: pool, config: config.ConnConfig, log: o.Log, deliver: o.Deliver, committed: o.Committed, decode: o.Decode, stop: stop, heard: make(chan struct{}),
	}
	if o.Decode != nil {
		p.ended.Go(func() { p.listen(life) })
		select {
		case <-p.heard:
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), p.close())
		}
	}
	return p, nil
}

var (
	readOnly  = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	readWrite = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
)

func (p *postgres) read(ctx context.Context, f func(*Tx) error) error {
	return p.retry(ctx, func() error {
		tx, err := p.pool.BeginTx(ctx, readOnly)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		return f(&Tx{conn: pgConn{tx}})
	})
}

// write runs f at the level at which each statement sees what was committed before it: what the locks guard does not
// change in between.
func (p *postgres) write(ctx context.Context, locks []Lock, f func(*Tx) error) error {
	return p.retry(ctx, func() error {
		tx, err := p.pool.BeginTx(ctx, readWrite)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		c := pgConn{tx}
		if err := c.lock(ctx, locks); err != nil {
			return err
		}
		t := &Tx{conn: c, write: true}
		if err := f(t); err != nil {
			return err
		}
		if err := c.notify(ctx, t.emitted); err != nil {
			return err
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		for _, m := range t.emitted {
			p.committed(m)
		}
		return nil
	})
}

// retry tries again what was undone only because others were at work.
func (p *postgres) retry(ctx context.Context, f func() error) error {
	for i := 1; ; i++ {
		err := f()
		e, ok := errors.AsType[*pgconn.PgError](err)
		const serializationFailure, deadlockDetected = "40001", "40P01"
		if !ok || e.Code != serializationFailure && e.Code != deadlockDetected || i == attempts || ctx.Err() != nil {
			return postgresFault(err)
		}
	}
}

func (p *postgres) ping(ctx context.Context) error { return postgresFault(p.pool.Ping(ctx)) }

func (p *postgres) close() error {
	p.stop()
	p.ended.Wait()
	p.pool.Close()
	return nil
}

// pgConn is a connection of PostgreSQL inside of a transaction.
type pgConn struct{ tx pgx.Tx }

func (c pgConn) exec(ctx context.Context, s Statement) (int64, error) {
	tag, err := c.tx.Exec(ctx, s.text, s.args...)
	return tag.RowsAffected(), err
}

func (c pgConn) each(ctx context.Context, s Statement, f func(Row) error) error {
	rows, err := c.tx.Query(ctx, s.text, s.args...)
	if err != nil {
		return err
	}
	return drain(rows, f)
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

func (c pgConn) many(ctx context.Context, text string, args [][]any, f func(Row) error) (err error) {
	batch := &pgx.Batch{}
	for _, a := range args {
		batch.Queue(text, a...)
	}
	results := c.tx.SendBatch(ctx, batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range args {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		if err := drain(rows, f); err != nil {
			return err
		}
	}
	return nil
}

// lock takes all locks in one round trip. A list of expressions is evaluated from the left.
func (c pgConn) lock(ctx context.Context, locks []Lock) error {
	if len(locks) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, l := range ordered(locks) {
		text := "SELECT pg_advisory_xact_lock($1)"
		if l.shared {
			text = "SELECT pg_advisory_xact_lock_shared($1)"
		}
		batch.Queue(text, int64(l.key)) //nolint:gosec // kinds are small: the highest bit is clear
	}
	return c.tx.SendBatch(ctx, batch).Close()
}

func (c pgConn) notify(ctx context.Context, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, m := range messages {
		text := m.Encode()
		if len(text) > MaxMessage {
			return fmt.Errorf("a message of %d bytes is longer than %d", len(text), MaxMessage)
		}
		batch.Queue("SELECT pg_notify($1, $2)", channel, text)
	}
	return c.tx.SendBatch(ctx, batch).Close()
}

// postgresFault says what kind of failure an error is.
func postgresFault(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		if _, dial := errors.AsType[*pgconn.ConnectError](err); dial || pgconn.SafeToRetry(err) || pgconn.Timeout(err) || lostConnection(err) {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return err
	}
	switch class := e.Code[:min(2, len(e.Code))]; {
	case e.Code == "53100": // disk_full
		return fmt.Errorf("%w: %w", ErrFull, err)
	case class == "08", class == "53", class == "57", class == "40", strings.HasPrefix(e.Code, "58"):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
