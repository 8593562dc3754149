package blocks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// MaxSize is the most that a block may have: the limit of a request's body, which carries it.
const MaxSize = 1 << 20

// MaxPage is the most entries that one call of List returns.
const MaxPage = 1000

// What stores answer. Other errors do not come out of a store.
var (
	// ErrNotFound is the answer for a block that is not there.
	ErrNotFound = errors.New("block not found")
	// ErrExists says that other content is stored under the id, and stays.
	ErrExists = errors.New("another block has this id")
	// ErrUnavailable says that the store cannot do it now. Whether an unacknowledged block
	// is there is unknown; creating it again is safe.
	ErrUnavailable = errors.New("block store is not available")
	// ErrCorrupt says that what is stored cannot be what Create was given.
	ErrCorrupt = errors.New("stored block is damaged")
	// ErrInvalid says that the call cannot be meant: a block too large, no organisation.
	ErrInvalid = errors.New("invalid block")
	// ErrDegraded marks an answer of Health: all blocks can be read, but a node fails.
	ErrDegraded = errors.New("block store is degraded")
)

// Store keeps blocks.
type Store interface {
	// Create stores a block. When it returns nil the block is durable. Creating it again
	// with the same content is nil too, with other content ErrExists. Of several who create
	// one id with different contents at the same time at most one is acknowledged.
	Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error
	// Read returns the whole block, at most MaxSize bytes.
	Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error)
	// Delete removes a block durably; one that is absent is no error.
	Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error
	// List returns blocks of an organisation in ascending order: the first ones, or those
	// after an id. Fewer than limit, which is at most MaxPage, are the last ones.
	List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]Entry, error)
	// Health reports whether the store can be used now: nil, ErrDegraded or ErrUnavailable.
	Health(ctx context.Context) error
	// Close ends the use of the store.
	Close() error
}

// Appender is a store that reads into memory of the caller, and has none of it any more when Create returns.
type Appender interface {
	// Append is Store.Read behind what is there, which is returned alone after an error.
	Append(ctx context.Context, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error)
}

// Frugal reports whether the memory of a block is the caller's again when Create returns.
func Frugal(s Store) bool {
	_, ok := s.(Appender)
	return ok
}

// Append reads a block behind what is there.
func Append(ctx context.Context, s Store, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if a, ok := s.(Appender); ok {
		return a.Append(ctx, into, org, id)
	}
	data, err := s.Read(ctx, org, id)
	switch {
	case err != nil:
		return into, err
	case cap(into) == 0:
		return data, nil
	}
	return append(into, data...), nil
}

// Content is a block where it is stored. WriteTo writes all of it, once.
type Content interface {
	io.WriterTo
	io.Closer
}

// Opener is a store that has blocks in files, which the system can send by itself.
type Opener interface {
	Appender
	// Open returns the content of a block and its size, at most MaxSize.
	Open(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (Content, int, error)
}

// Rows is a store that is a table in the database of the metadata store: a block is written and read in the transaction of its row.
type Rows interface {
	Store
	// Put stores a block in a transaction, in place of what is there.
	Put(ctx context.Context, tx *store.Tx, org trust.OrganizationID, id trust.BlockID, data []byte) error
	// Statement is what Get asks.
	Statement(org trust.OrganizationID, id trust.BlockID) store.Statement
	// Get reads a block behind what is in into, which is returned alone after an error.
	Get(ctx context.Context, tx *store.Tx, into []byte, org trust.OrganizationID, id trust.BlockID) ([]byte, error)
}

// Entry is a stored block.
type Entry struct {
	ID trust.BlockID
	// Modified is when it was stored, by the clock of who stores it.
	Modified time.Time
}

// CheckCreate is what every store checks first.
func CheckCreate(ctx context.Context, org trust.OrganizationID, data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%w: %d bytes, at most %d are possible", ErrInvalid, len(data), MaxSize)
	}
	return Check(ctx, org)
}

// Check is what every store checks first where there is no content.
func Check(ctx context.Context, org trust.OrganizationID) error {
	if org == (trust.OrganizationID{}) {
		return fmt.Errorf("%w: no organisation", ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return Unavailable(err)
	}
	return nil
}

// CheckList is what every store checks first of a page.
func CheckList(ctx context.Context, org trust.OrganizationID, limit int) error {
	if limit < 1 || limit > MaxPage {
		return fmt.Errorf("%w: a page of %d, it has 1 to %d entries", ErrInvalid, limit, MaxPage)
	}
	return Check(ctx, org)
}

// Unavailable makes an error that is ErrUnavailable and its cause.
func Unavailable(cause error) error { return fmt.Errorf("%w: %w", ErrUnavailable, cause) }
