package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// conn is one connection of SQLite, open for as long as there is something to do.
type conn struct {
	*sql.Conn

	db *sql.DB
}

// dial connects to an existing file. The waiting for other programs' locks is two
// seconds; the cache is small because files are.
func dial(ctx context.Context, path string) (*conn, error) {
	query := url.Values{"mode": {"rw"}, "_pragma": {
		"busy_timeout(2000)", "synchronous(EXTRA)", "cache_size(-256)", "temp_store(MEMORY)", "trusted_schema(OFF)",
	}}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &conn{c, db}, nil
}

func (c *conn) close() error { return errors.Join(c.Close(), c.db.Close()) }

func (c *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := c.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// fault turns an error of SQLite into one for people. The cause stays inside: it can name
// files, which are no matter of a caller.
func fault(what string, err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e
	}
	reason, remedy := "an error of the database", "see the log"
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		reason, remedy = "another program holds a lock on the database", "end that program, then try again"
	case lib.SQLITE_FULL:
		reason, remedy = "the disk is full", "make room, then try again"
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		reason, remedy = "the database cannot be written", "let the service's user write the file and its directory"
	case lib.SQLITE_CANTOPEN:
		reason, remedy = "the database or its journal cannot be opened", "let the service's user write the file and its directory"
	case lib.SQLITE_IOERR:
		reason, remedy = "the disk reports an error", "look at the disk and the kernel's log"
	case lib.SQLITE_NOTADB, lib.SQLITE_CORRUPT:
		reason, remedy = "the file is damaged or no SQLite database", "restore it from a backup"
	}
	return &wire.Error{Status: wire.StatusKeyInfoManagerError, Reason: "cannot " + what + ": " + reason, Remedy: remedy, Err: err}
}

// code returns SQLite's primary result code of an error, 0 for other errors.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// taken reports whether err is the refusal of a second row with one key.
func taken(err error) bool {
	e, ok := errors.AsType[*driver.Error](err)
	return ok && e.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY
}
