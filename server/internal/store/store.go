package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Failures that callers tell apart.
var (
	// ErrUnavailable says that the database cannot be reached now; the same request may succeed later.
	ErrUnavailable = errors.New("the database is not available")
	// ErrForeign says that the database belongs to another program, or to a newer version of this one.
	ErrForeign = errors.New("the database is not one of this program")
	// ErrPending says that the tables are those of an older version of this program.
	ErrPending = errors.New("the database waits for its migrations: run parsec-server migrate")
	// ErrFull says that there is no room for more.
	ErrFull = errors.New("the disk of the database is full")
)

// Message is what transactions tell other processes.
type Message interface {
	// Encode returns the message as UTF-8 of at most MaxMessage bytes.
	Encode() string
}

// MaxMessage is how many bytes PostgreSQL carries.
const MaxMessage = 7999

// Gap is delivered when messages may have been lost.
type Gap struct{}

// Encode is never sent.
func (Gap) Encode() string { return "" }

// Options say where a store is and who hears its messages.
type Options struct {
	// URL is sqlite:PATH, or postgresql:// with what libpq knows.
	URL string
	// MaxConnections bounds the connections to PostgreSQL, 0 for the default; MinConnections are kept.
	MaxConnections, MinConnections int
	// UpTo is the version of the schema to bring the database to, 0 for the newest.
	UpTo int64
	// AsIs refuses a database that is not at the newest version, instead of migrating it.
	AsIs bool
	// Deliver gets every message, one after the other. It must not use the store.
	Deliver func(Message)
	// Committed gets the messages of this process once more, as soon as they are committed: before Write returns, and mostly
	// before they are delivered. Who asked for a change finds it made.
	Committed func(Message)
	// Decode reads what Encode wrote.
	Decode func(string) (Message, error)
	Log    *slog.Logger
	// readOnly has PostgreSQL refuse everything that writes.
	readOnly bool
}

// Store is an open store. It may be used concurrently.
type Store struct {
	backend backend
}

// backend is what differs between the databases.
type backend interface {
	read(ctx context.Context, f func(*Tx) error) error
	write(ctx context.Context, locks []Lock, f func(*Tx) error) error
	// migrate brings the schema to a version, to the newest for 0, or refuses it for asIs.
	migrate(ctx context.Context, to int64) error
	ping(ctx context.Context) error
	close() error
}

// Open opens a store and brings its schema up to date. An empty database gets its tables.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Deliver == nil {
		o.Deliver = func(Message) {}
	}
	if o.Committed == nil {
		o.Committed = func(Message) {}
	}
	b, err := open(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.AsIs {
		o.UpTo = asIs
	}
	if err := b.migrate(ctx, o.UpTo); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return &Store{backend: b}, nil
}

func open(ctx context.Context, o Options) (backend, error) {
	scheme, rest, _ := strings.Cut(o.URL, ":")
	switch scheme {
	case "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		return openSQLite(path, o)
	case "postgresql", "postgres":
		return openPostgres(ctx, o)
	}
	return nil, fmt.Errorf("a store of kind %q is not known: sqlite:PATH or postgresql://… is expected", scheme)
}

// Read runs f on one consistent state of the store.
func (s *Store) Read(ctx context.Context, f func(*Tx) error) error { return s.backend.read(ctx, f) }

// Write runs f while it holds the locks. What it wrote and emitted is durable when Write returns nil.
func (s *Store) Write(ctx context.Context, locks []Lock, f func(*Tx) error) error {
	return s.backend.write(ctx, locks, f)
}

// Note is Write for what is of no use once the machine has failed under this process, if nobody else can have the store: then it does not wait for the disk. A
// Write that succeeds afterwards makes it durable too.
func (s *Store) Note(ctx context.Context, locks []Lock, f func(*Tx) error) error {
	if b, ok := s.backend.(*sqlite); ok {
		return b.note(ctx, f)
	}
	return s.backend.write(ctx, locks, f)
}

// Pool returns the connections to PostgreSQL, nil for another database. They stay the store's.
func (s *Store) Pool() *pgxpool.Pool {
	if p, ok := s.backend.(*postgres); ok {
		return p.pool
	}
	return nil
}

// Ping reports whether the store answers.
func (s *Store) Ping(ctx context.Context) error { return s.backend.ping(ctx) }

// Close ends the store; transactions that run are finished before.
func (s *Store) Close() error { return s.backend.close() }
