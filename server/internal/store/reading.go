package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/server/internal/lite"
)

// OpenToRead opens a store as it is, beside those who use it: nothing of it is changed, and its schema stays.
func OpenToRead(ctx context.Context, o Options) (*Store, error) {
	scheme, rest, _ := strings.Cut(o.URL, ":")
	if scheme != "sqlite" {
		o.Decode, o.readOnly = nil, true // nobody listens
		b, err := open(ctx, o)
		if err != nil {
			return nil, err
		}
		return &Store{backend: b}, nil
	}
	path, err := sqlitePath(rest)
	if err != nil {
		return nil, err
	}
	b, err := openReader(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the store %s: %w", path, sqliteFault(err))
	}
	return &Store{backend: b}, nil
}

func sqlitePath(rest string) (string, error) {
	path := strings.TrimPrefix(rest, "//")
	if path == "" {
		return "", errors.New("the address of the store names no file: sqlite:PATH is expected")
	}
	return path, nil
}

// reader reads the file of SQLite that another process may have.
type reader struct{ path string }

func openReader(path string) (backend, error) {
	r := &reader{path}
	c, err := r.session()
	if err != nil {
		return nil, err
	}
	id := 0
	err = c.Each("PRAGMA application_id", nil, func(r *lite.Row) error { return r.Scan(&id) })
	if err = errors.Join(err, c.Close()); err == nil && id != applicationID {
		err = ErrForeign
	}
	return r, err
}

func (r *reader) session() (*session, error) {
	c, err := lite.Open(r.path, lite.Options{ReadOnly: true, Pragmas: []string{"cache_size(-4096)", "temp_store(MEMORY)", "trusted_schema(OFF)", "query_only(ON)"}})
	if err != nil {
		return nil, sqliteFault(err)
	}
	return &session{Conn: c}, nil
}

func (r *reader) read(_ context.Context, f func(*Tx) error) error {
	c, err := r.session()
	if err != nil {
		return err
	}
	if err := c.run(begin); err != nil {
		return errors.Join(sqliteFault(err), c.Close())
	}
	err = f(&Tx{conn: c})
	return errors.Join(err, c.run(rollback), c.Close())
}

// errReading is what a store gives that was opened to read.
var errReading = errors.New("the store was opened to read only")

func (*reader) write(context.Context, []Lock, func(*Tx) error) error { return errReading }
func (*reader) migrate(context.Context, int64) error                 { return errReading }
func (r *reader) ping(ctx context.Context) error                     { return r.read(ctx, func(*Tx) error { return nil }) }
func (*reader) close() error                                         { return nil }

// Connect opens a PostgreSQL database of others to read it, such as that of an original server.
func Connect(ctx context.Context, address string) (*pgxpool.Pool, error) {
	b, err := openPostgres(ctx, Options{URL: address, readOnly: true})
	if err != nil {
		return nil, err
	}
	p, ok := b.(*postgres)
	if !ok {
		return nil, errors.New("not PostgreSQL")
	}
	return p.pool, nil
}
