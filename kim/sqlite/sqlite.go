package sqlite

import (
	"context"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/exclusive"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Store is one opening of a database.
type Store struct {
	ref *exclusive.Ref[*database]
	*database
}

var _ kim.Store = (*Store)(nil)

var databases exclusive.Table[*database]

// Open opens the database at path, creating it and its directory (mode 0700) when they
// are missing. Its errors are *wire.Error with the file as their object; a database that
// another process owns is kim.ErrLocked.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := canonical(path)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx)
	ref, err := databases.Acquire(path, path+".lock", exclusive.Opener[*database]{
		Open:  func() (*database, error) { return open(ctx, path) },
		Again: func(d *database) error { return d.refresh(ctx) },
		Close: (*database).close,
	})
	if err != nil {
		return nil, err
	}
	return &Store{ref: ref, database: ref.State}, nil
}

// Close gives this opening up.
func (s *Store) Close() error { return s.ref.Close() }

// Get returns the entry of a name; the provider is not compared.
func (d *database) Get(owner kim.Owner, name psa.KeyName, _ kim.Provider) (kim.Entry, error) {
	e, ok := d.index.Get(index.Key{Owner: owner, Name: name})
	if !ok {
		return kim.Entry{}, kim.ErrNotFound
	}
	return e, nil
}

// List returns the owner's entries, sorted by name.
func (d *database) List(owner kim.Owner) []kim.Entry { return d.index.List(owner) }

// All returns every entry, sorted by owner and name.
func (d *database) All() []kim.Entry { return d.index.All() }

// Reserve takes a name, of any length and any UTF-8.
func (d *database) Reserve(owner kim.Owner, name psa.KeyName, provider kim.Provider) (kim.Reservation, error) {
	if err := check(owner, name, provider); err != nil {
		return nil, err
	}
	k := index.Key{Owner: owner, Name: name}
	return d.index.Reserve(k, kim.Entry{Owner: owner, Name: name, Provider: provider}, d.insert)
}

// Update replaces key id and attributes. Attributes that the original can parse cannot
// become such that it cannot, nor the reverse: that is StatusNotSupported.
func (d *database) Update(ctx context.Context, e kim.Entry) error {
	k := index.Key{Owner: e.Owner, Name: e.Name}
	old, ok := d.index.Get(k)
	if !ok {
		return kim.ErrNotFound
	}
	before, _, err := encode(old)
	if err != nil {
		return err
	}
	old.KeyID, old.Attributes = append([]byte(nil), e.KeyID...), e.Attributes
	t, blob, err := encode(old)
	if err != nil {
		return err
	}
	if t != before {
		return wire.Errorf(wire.StatusNotSupported, "key %q cannot become one of another type", e.Name)
	}
	return d.write(ctx, &change{verb: update, table: t, key: k, entry: old, blob: blob})
}

// Delete removes the entry of a name; the provider is not compared.
func (d *database) Delete(ctx context.Context, e kim.Entry) error {
	k := index.Key{Owner: e.Owner, Name: e.Name}
	old, ok := d.index.Get(k)
	if !ok {
		return kim.ErrNotFound
	}
	t, _, err := encode(old)
	if err != nil {
		return err
	}
	return d.write(ctx, &change{verb: remove, table: t, key: k})
}

// Info describes the store.
func (d *database) Info() kim.Info {
	info := kim.Info{Kind: "SQLite", Path: d.path, Schema: schemaVersion, Entries: d.index.Len()}
	d.writing.Lock()
	defer d.writing.Unlock()
	if fi, err := d.file.Stat(); err == nil {
		info.Bytes = fi.Size()
	}
	return info
}

func (d *database) insert(ctx context.Context, k index.Key, e kim.Entry) error {
	t, blob, err := encode(e)
	if err != nil {
		return err
	}
	return d.write(ctx, &change{verb: insert, table: t, key: k, entry: e, blob: blob})
}

// check refuses what could be written but not be loaded again.
func check(owner kim.Owner, name psa.KeyName, p kim.Provider) error {
	var reason string
	switch {
	case !utf8.ValidString(string(name)):
		reason = "the key name is not UTF-8"
	case !utf8.ValidString(owner.App):
		reason = "the application identity is not UTF-8"
	case !owner.Auth.Known() && owner.Auth != wire.AuthInternal:
		reason = "the key info manager knows no " + owner.Auth.String()
	case !utf8.ValidString(p.Name) || !utf8.ValidString(p.UUID) || kim.ProviderByUUID(p.UUID) != p.ID:
		reason = "the provider's name, number and UUID do not fit together"
	default:
		return nil
	}
	return &wire.Error{Status: wire.StatusKeyInfoManagerError, Reason: reason, Err: kim.ErrName}
}
