package ondisk

import (
	"context"
	"io/fs"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/exclusive"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Options are what the files do not record.
type Options struct {
	// Auth is the configured authenticator: every entry of an application is its.
	Auth wire.AuthType
	// Providers is the configured instance of each kind. Entries of a kind that is missing
	// here have its number and UUID and no name.
	Providers map[wire.ProviderID]kim.Provider
}

// Store is one opening of a directory.
type Store struct {
	ref *exclusive.Ref[*directory]
	dir *directory
	Options
}

var _ kim.Store = (*Store)(nil)

var directories exclusive.Table[*directory]

// Open opens the store in the directory at path, which is made (mode 0700) when it is
// missing. Its errors are *wire.Error with the file in question as their object; a
// directory that another process owns is kim.ErrLocked.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	path, err := canonical(path)
	if err != nil {
		return nil, err
	}
	ref, err := directories.Acquire(path, path+".lock", exclusive.Opener[*directory]{
		Open:  func() (*directory, error) { return open(path) },
		Again: (*directory).refresh,
		Close: (*directory).close,
	})
	if err != nil {
		return nil, err
	}
	return &Store{ref: ref, dir: ref.State, Options: o}, nil
}

// Close gives this opening up.
func (s *Store) Close() error { return s.ref.Close() }

// Get returns the entry of a name in one kind of provider; the authenticator is not
// compared.
func (s *Store) Get(owner kim.Owner, name psa.KeyName, provider kim.Provider) (kim.Entry, error) {
	e, ok := s.dir.index.Get(key(owner, name, provider))
	if !ok {
		return kim.Entry{}, kim.ErrNotFound
	}
	return s.dress(e), nil
}

// List returns the entries of an application, sorted by name.
func (s *Store) List(owner kim.Owner) []kim.Entry {
	return s.dressAll(s.dir.index.List(recorded(owner)))
}

// All returns every entry, sorted by application and name, the service's own last.
func (s *Store) All() []kim.Entry { return s.dressAll(s.dir.index.All()) }

// Reserve takes a name. A name, or an application's, that no file name can hold is
// kim.ErrName.
func (s *Store) Reserve(owner kim.Owner, name psa.KeyName, provider kim.Provider) (kim.Reservation, error) {
	k := key(owner, name, provider)
	if err := checkNames(k); err != nil {
		return nil, err
	}
	return s.dir.index.Reserve(k, plain(k), s.dir.insert)
}

// Update replaces key id and attributes. Attributes that the original can parse cannot
// become such that it cannot, nor the reverse: that is StatusNotSupported.
func (s *Store) Update(ctx context.Context, e kim.Entry) error {
	k := key(e.Owner, e.Name, e.Provider)
	young := plain(k)
	young.KeyID, young.Attributes = append([]byte(nil), e.KeyID...), e.Attributes
	return s.dir.update(ctx, k, young)
}

// Delete removes the entry of a name in one kind of provider.
func (s *Store) Delete(ctx context.Context, e kim.Entry) error {
	return s.dir.remove(ctx, key(e.Owner, e.Name, e.Provider))
}

// Info describes the store. The size is that of the files' contents.
func (s *Store) Info() kim.Info {
	info := kim.Info{Kind: "OnDisk", Path: s.dir.path, Schema: ourVersion, Entries: s.dir.index.Len()}
	s.dir.writing.RLock()
	defer s.dir.writing.RUnlock()
	_ = fs.WalkDir(s.dir.root.FS(), ".", func(_ string, f fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read has no size
		}
		if fi, err := f.Info(); err == nil && fi.Mode().IsRegular() {
			info.Bytes += fi.Size()
		}
		return nil
	})
	return info
}

// recorded is the part of an owner that the layout has: the application, and whether it
// is the service itself.
func recorded(o kim.Owner) kim.Owner {
	if o != kim.Internal() {
		o.Auth = wire.AuthNone
	}
	return o
}

func key(o kim.Owner, name psa.KeyName, p kim.Provider) index.Key {
	return index.Key{Owner: recorded(o), Name: name, Provider: p.ID}
}

// plain is an entry with all that a key tells. Entries in memory have no more of owner
// and provider than that.
func plain(k index.Key) kim.Entry {
	return kim.Entry{Owner: k.Owner, Name: k.Name, Provider: kim.Provider{ID: k.Provider}}
}

// dress adds what this opening knows of owner and provider.
func (s *Store) dress(e kim.Entry) kim.Entry {
	if e.Owner.Auth == wire.AuthNone {
		e.Owner.Auth = s.Auth
	}
	if p, ok := s.Providers[e.Provider.ID]; ok {
		e.Provider = p
	} else {
		e.Provider.UUID = kim.ProviderUUID(e.Provider.ID)
	}
	return e
}

func (s *Store) dressAll(entries []kim.Entry) []kim.Entry {
	for i := range entries {
		entries[i] = s.dress(entries[i])
	}
	return entries
}
