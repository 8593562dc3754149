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
	_ "modernc.org/sqlite" // the driver
	lib "modernc.org/sqlite/lib"

	"github.com/seed-73b3884f/parsec-agent/server/internal/lite"
)

// readers is how many connections read at once. Each keeps a cache of pages, of so many KiB, and so does the one that writes; what changes is no longer of use
// in theirs, and the system has all pages that were read lately.
const (
	readers     = 4
	readerCache = 1 << 10
	writerCache = 4 << 10
)

// applicationID marks our files ("PSRV").
const applicationID = 0x50535256

// sqlite is a file that one process has for itself: others could change what it remembers.
type sqlite struct {
	db   *sql.DB
	lock *os.File
	log  *slog.Logger

	idle   chan *session // of those that read
	writer *session
	jobs   chan *job
	// notes says how the writer's commits are now; only the writer looks.
	notes   bool
	ended   sync.WaitGroup
	stop    chan struct{}
	closing sync.Once
	deliver func(Message)
}

func openSQLite(path string, o Options) (_ backend, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the directory of the store: %w", err)
	}
	s := &sqlite{idle: make(chan *session, readers), jobs: make(chan *job), stop: make(chan struct{}), deliver: o.Deliver, log: o.Log}
	if s.lock, err = lockFile(path + lockSuffix); err != nil {
		return nil, err
	}
	if s.db, err = dial(path); err != nil {
		return nil, errors.Join(err, s.lock.Close())
	}
	if err := s.connect(path); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open the store %s: %w", path, sqliteFault(err)), s.db.Close(), s.lock.Close())
	}
	s.ended.Go(s.run)
	return s, nil
}

// lockSuffix is what the name of the lock has behind that of the store.
const lockSuffix = ".lock"

// lockFile keeps other processes out for as long as the file is open.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err != nil {
		return nil, fmt.Errorf("cannot lock the store: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock the store: %w: %s is locked", ErrTaken, path), f.Close())
	}
	return f, nil
}

// pragmas are those of all connections. Synchronous FULL makes a commit in write-ahead mode durable.
var pragmas = []string{"journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(4096)", "temp_store(MEMORY)", "trusted_schema(OFF)"}

// dial prepares connections for migrations. All else goes through sessions.
func dial(path string) (*sql.DB, error) {
	query := url.Values{"_pragma": append([]string{"busy_timeout(5000)"}, pragmas...)}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(0)
	return db, nil
}

func (s *sqlite) connect(path string) (err error) {
	if s.writer, err = newSession(path, writerCache); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.disconnect())
		}
	}()
	s.writer.path = path
	if err := s.mark(); err != nil {
		return err
	}
	for range readers {
		reader, err := newSession(path, readerCache)
		if err != nil {
			return err
		}
		s.idle <- reader
	}
	return nil
}

func newSession(path string, cache int) (*session, error) {
	c, err := lite.Open(path, lite.Options{Pragmas: append([]string{fmt.Sprintf("cache_size(-%d)", cache)}, pragmas...)})
	if err != nil {
		return nil, err
	}
	return &session{Conn: c}, nil
}

// disconnect closes all sessions that nobody uses.
func (s *sqlite) disconnect() error {
	errs := []error{s.writer.Close()}
	for {
		select {
		case reader := <-s.idle:
			errs = append(errs, reader.Close())
		default:
			return errors.Join(errs...)
		}
	}
}

// mark refuses the files of others, and makes an empty one ours.
func (s *sqlite) mark() error {
	id, tables := 0, 0
	for text, into := range map[string]*int{"PRAGMA application_id": &id, "SELECT count(*) FROM sqlite_schema": &tables} {
		if err := s.writer.Each(text, nil, func(r *lite.Row) error { return r.Scan(into) }); err != nil {
			return err
		}
	}
	switch {
	case id == applicationID:
		return nil
	case tables > 0:
		return ErrForeign
	}
	return s.writer.Run(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
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
	if err := c.run(begin); err != nil {
		return sqliteFault(err)
	}
	defer func() { err = errors.Join(err, c.run(rollback)) }()
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
	errs := []error{s.writer.Close()}
	for range readers {
		errs = append(errs, (<-s.idle).Close())
	}
	return errors.Join(append(errs, s.db.Close(), s.lock.Close())...)
}

// sqliteFault says what kind of failure an error of SQLite is.
func sqliteFault(err error) error {
	e, ok := errors.AsType[interface { // of a session, or of the driver that migrates
		error
		Code() int
	}](err)
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
