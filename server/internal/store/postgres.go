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
	if o.readOnly {
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}
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

// How transactions begin. One that reads sees one state; of one that writes each statement sees what was committed before it, and what its locks guard does not change
// in between.
const (
	beginReading  = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	beginChanging = "BEGIN ISOLATION LEVEL READ COMMITTED"
)

func (p *postgres) read(ctx context.Context, f func(*Tx) error) error {
	return p.transaction(ctx, beginReading, func(c *pgConn) error { return f(&Tx{conn: c}) })
}

func (p *postgres) write(ctx context.Context, locks []Lock, f func(*Tx) error) error {
	return p.transaction(ctx, beginChanging, func(c *pgConn) error {
		if err := c.lock(ctx, locks); err != nil {
			return err
		}
		t := &Tx{conn: c, write: true}
		if err := f(t); err != nil {
			return err
		}
		if err := c.commit(ctx, t.emitted); err != nil {
			return err
		}
		for _, m := range t.emitted {
			p.committed(m)
		}
		return nil
	})
}

// transaction runs f on a connection, in a transaction that is rolled back if it was not committed.
func (p *postgres) transaction(ctx context.Context, begin string, f func(*pgConn) error) error {
	return p.retry(ctx, func() error {
		c, err := p.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer c.Release() // a connection that is in a transaction still is closed
		conn := &pgConn{tx: c.Conn(), ahead: &pgx.Batch{}}
		conn.queue(begin)
		err = f(conn)
		if forgot := conn.forget(); err == nil {
			err = forgot
		}
		if conn.tx.PgConn().TxStatus() != idle {
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
			defer cancel()
			_, _ = conn.tx.Exec(ending, rollback)
		}
		return err
	})
}

// idle is the state of a connection that is in no transaction; rollbackTime is for the end of one.
const (
	idle         = 'I'
	rollbackTime = 10 * time.Second
)

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
