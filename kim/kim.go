// Package kim is the contract of the key info manager: the durable map from (owner, key
// name) to (provider instance, key id, attributes). Two implementations, kim/sqlite and
// kim/ondisk, read and write the original service's state in place; kim/kimtest is the
// suite that both pass. The serialisations they share are here.
//
// Only the agent writes: it reserves a name, lets a provider make the key, then commits.
// A name is therefore given once however many callers ask at a time, and a crash leaves
// either no entry or a whole one, with at worst a provider key that nothing maps to,
// which `parsecctl doctor` reports. Nothing is ever deleted at start.
//
// Stores load everything at start and answer reads from memory; they may be called
// concurrently. One process at a time owns a store: opening it takes a lock.
//
// Specification: docs/spec/parsec-service.md section 5.
package kim

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Owner is who a key belongs to.
type Owner struct {
	Auth wire.AuthType
	// App is the application identity that the authenticator gave, such as "1000".
	App string
}

// Internal is the owner of the service's own entries, which no caller can be.
func Internal() Owner { return Owner{Auth: wire.AuthInternal, App: "parsec"} }

// Provider names the provider instance that holds a key.
type Provider struct {
	ID   wire.ProviderID
	UUID string
	Name string
}

// Entry is one mapping. Entries are values: callers may keep and change them.
type Entry struct {
	Owner    Owner
	Name     psa.KeyName
	Provider Provider
	// KeyID is the provider's reference, in the provider's own encoding.
	KeyID      []byte
	Attributes psa.Attributes
	// Adopted says that the key was in its device before it had a name here: without the
	// name it stays there. The original's tables and files have no room for it.
	Adopted bool
}

// The errors of stores. They carry the status that the caller sees.
var (
	// ErrExists: the name is taken, or another caller is creating it.
	ErrExists error = &wire.Error{Status: wire.StatusAlreadyExists}
	// ErrNotFound: the owner has no key of that name.
	ErrNotFound error = &wire.Error{Status: wire.StatusDoesNotExist}
	// ErrName: the store cannot hold such a name.
	ErrName error = &wire.Error{Status: wire.StatusKeyInfoManagerError, Reason: "the key info manager cannot hold a name of this length"}
	// ErrLocked: another process owns the store.
	ErrLocked = errors.New("another process has the key info manager open")
)

// Store is a key info manager.
//
// SQLite compares owner and name; the on-disk store compares application, provider kind
// and name, and does not record the authenticator (Owners of its entries have the
// authenticator that the store was opened with). Get, Reserve and Delete follow the
// store's own rule, so the provider of a found entry is not always the one asked for.
type Store interface {
	// Get returns the entry of a name, or ErrNotFound.
	Get(owner Owner, name psa.KeyName, provider Provider) (Entry, error)
	// List returns the owner's entries, sorted by name.
	List(owner Owner) []Entry
	// All returns every entry including internal ones, sorted by owner and name.
	All() []Entry
	// Reserve takes a name for a key to come, or returns ErrExists or ErrName.
	Reserve(owner Owner, name psa.KeyName, provider Provider) (Reservation, error)
	// Update replaces the key id and attributes of an existing entry, durably; whether the key
	// was adopted stays. Attributes
	// that EncodeAttributes takes cannot become such that are ErrExtended, nor the reverse:
	// that is StatusNotSupported.
	Update(ctx context.Context, e Entry) error
	// Delete removes an entry, durably, or returns ErrNotFound.
	Delete(ctx context.Context, e Entry) error
	// Info describes the store for people.
	Info() Info
	// Close gives the store up. No call follows.
	Close() error
}

// Reservation is a name taken and not yet given. It lives in memory only: a crash frees
// the name.
type Reservation interface {
	// Commit makes the entry durable. After an error the name is free, or another program
	// has it (ErrExists), and the caller destroys the provider's key. A reservation serves
	// once: after Commit or Release it is StatusBadState.
	Commit(ctx context.Context, keyID []byte, attrs psa.Attributes) error
	// Adopt is Commit for a key that was in its device before; after an error the device is
	// left as it is.
	Adopt(ctx context.Context, keyID []byte, attrs psa.Attributes) error
	// Release frees the name; after Commit it does nothing.
	Release()
}

// Info describes a store.
type Info struct {
	// Kind is "SQLite" or "OnDisk", Path its file or directory.
	Kind, Path string
	// Schema is the version of the format.
	Schema int
	// Entries counts all entries, Bytes the size on disk.
	Entries int
	Bytes   int64
}
