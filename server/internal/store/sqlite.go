package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// readers is how many connections read at once. Each keeps a cache of pages.
const readers = 4

// applicationID marks our files ("PSRV").
const applicationID = 0x50535256

// sqlite is a file that one process has for itself: others could change what it remembers.
type sqlite struct {
	db   *sql.DB
	lock *os.File
	log  *slog.Logger

	idle    chan *session // of those that read
	writer  *session
	jobs    chan *job
	ended   sync.WaitGroup
	stop    chan struct{}
	closing sync.Once
	deliver func(Message)
}

func openSQLite(ctx context.Context, path string, o Options) (_ backend, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory of the store: %w", err)
	}
	s := &sqlite{idle: make(chan *session, readers), jobs: make(chan *job), stop: make(chan struct{}), deliver: o.Deliver, log: o.Log}
	if s.lock, err = lockFile(path + ".lock"); err != nil {
		return nil, err
	}
	if s.db, err = dial(path); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the store %s: %w", path, sqliteFault(err)), s.db.Close(), s.lock.Close())
	}
	s.ended.Go(s.run)
	return s, nil
}

// lockFile keeps other processes out for as long as the file is open.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err != nil {
		return nil, fmt.Errorf("cannot lock the store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock the store: another process has %s", path), f.Close())
	}
	return f, nil
}

// dial prepares connections. Synchronous FULL makes a commit in write-ahead mode durable.
func dial(path string) (*sql.DB, error) {
	query := url.Values{"_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-4096)", "temp_store(MEMORY)", "trusted_schema(OFF)",
	}}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	const migrating = 2 // sessions of ours are never given back while others come
	db.SetMaxOpenConns(readers + 1 + migrating)
	db.SetMaxIdleConns(0)
	return db, nil
}

func (s *sqlite) connect(ctx context.Context) (err error) {
	if s.writer, err = newSession(ctx, s.db); err != nil {
		return err
	}
	if err := s.mark(ctx); err != nil {
		return err
	}
	for range readers {
		reader, err := newSession(ctx, s.db)
		if err != nil {
			return err
		}
		s.idle <- reader
	}
	return nil
}

// mark refuses the files of others, and makes an empty one ours.
func (s *sqlite) mark(ctx context.Context) error {
	id, tables := 0, 0
	if err := s.writer.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := s.writer.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	switch {
	case id == applicationID:
		return nil
	case tables > 0:
		return ErrForeign
	}
	_, err := s.writer.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}

func (s *sqlite) read(ctx context.Context, f func(*Tx) error) (err error) {
	var c *session
	select {
	case c = <-s.idle:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.stop:
		return ErrUnavailable
	}
	defer func() { s.idle <- c }()
	if err := c.run(ctx, begin); err != nil {
		return sqliteFault(err)
	}
	defer func() { err = errors.Join(err, c.run(ctx, rollback)) }()
	return f(&Tx{conn: c})
}

func (s *sqlite) ping(ctx context.Context) error {
	return s.read(ctx, func(tx *Tx) error {
		one := int64(0)
		_, err := tx.Get(ctx, SQL("SELECT 1"), &one)
		return err
	})
}

func (s *sqlite) close() error {
	s.closing.Do(func() { close(s.stop) })
	s.ended.Wait()
	errs := []error{s.writer.close()}
	for range readers {
		errs = append(errs, (<-s.idle).close())
	}
	return errors.Join(append(errs, s.db.Close(), s.lock.Close())...)
}

// sqliteFault says what kind of failure an error of SQLite is.
func sqliteFault(err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w", ErrForeign, err)
	}
	return err
}
