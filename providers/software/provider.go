package software

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

const (
	// UUID identifies the provider in the protocol and in key info managers.
	UUID = "1c1139dc-ad7c-47dc-ad6b-db6fdb466552"
	// DefaultName is the instance name when none is configured.
	DefaultName = "mbed-crypto-provider"
	// DefaultCacheKeys is a number of keys in memory that suits most machines: some 10 KiB each.
	DefaultCacheKeys = 256
)

// Options configures a provider.
type Options struct {
	// Name is the instance name; empty means DefaultName.
	Name string
	// KeyStorePath is the directory of the key files. It is created with mode 0700 where
	// it is missing.
	KeyStorePath string
	// Storage is the form of new key files; empty means encrypted.
	Storage providers.Protection
	// KnownIDs are the ids that the key info manager maps to this instance. They are never
	// given out again, even when their files are missing.
	KnownIDs []providers.KeyID
	// RootKey is where the root key comes from; nil means DefaultRootKey.
	RootKey RootKeySource
	// Home is where a root key is put that exists already: by sealing, and by recovery. It
	// may be nil.
	Home RootKeyStorer
	// Credential is the name of the systemd credential that DefaultRootKey asks for; empty
	// means DefaultCredential.
	Credential string
	// CacheKeys is how many loaded keys stay in memory while nobody uses them.
	CacheKeys int
	// Logger receives what nobody asked for; nil discards it.
	Logger *slog.Logger
}

// Provider is the software provider.
type Provider struct {
	info    providers.Info
	storage providers.Protection
	log     *slog.Logger

	store *store
	root  *keeper
	home  RootKeyStorer
	cache *cache

	mu      sync.Mutex            // guards the field below
	exposed map[keyID]fs.FileMode // the modes of files that others had rights to
}

var (
	_ providers.Provider            = (*Provider)(nil)
	_ providers.Generator           = (*Provider)(nil)
	_ providers.Importer            = (*Provider)(nil)
	_ providers.Destroyer           = (*Provider)(nil)
	_ providers.PublicExporter      = (*Provider)(nil)
	_ providers.Exporter            = (*Provider)(nil)
	_ providers.HashSigner          = (*Provider)(nil)
	_ providers.HashVerifier        = (*Provider)(nil)
	_ providers.MessageSigner       = (*Provider)(nil)
	_ providers.MessageVerifier     = (*Provider)(nil)
	_ providers.AsymmetricEncrypter = (*Provider)(nil)
	_ providers.AsymmetricDecrypter = (*Provider)(nil)
	_ providers.AEADEncrypter       = (*Provider)(nil)
	_ providers.AEADDecrypter       = (*Provider)(nil)
	_ providers.CipherEncrypter     = (*Provider)(nil)
	_ providers.CipherDecrypter     = (*Provider)(nil)
	_ providers.MACComputer         = (*Provider)(nil)
	_ providers.MACVerifier         = (*Provider)(nil)
	_ providers.KeyAgreer           = (*Provider)(nil)
	_ providers.HashComputer        = (*Provider)(nil)
	_ providers.Randomizer          = (*Provider)(nil)
	_ providers.Advisor             = (*Provider)(nil)
	_ providers.Examiner            = (*Provider)(nil)
	_ providers.Archiver            = (*Provider)(nil)
	_ providers.Protector           = (*Provider)(nil)
	_ providers.RootKeeper          = (*Provider)(nil)
)

// Open opens the key store and, with encrypted storage, loads the root key, making one at
// the first start. Key files are read when they are first used.
//
// It fails when another process has the store open. Providers of this process share it, with
// one lock and one sequence of ids: several instances may use one directory, and a reload
// opens the new provider, then closes the old one, without giving the lock up between them.
func Open(ctx context.Context, o Options) (*Provider, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s, err := joinStore(o.KeyStorePath, parseKnown(o.KnownIDs), o.Logger)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		info:    Info(o.Name),
		storage: o.Storage,
		log:     o.Logger,
		store:   s,
		home:    o.Home,
		root:    &keeper{source: o.RootKey, store: s, log: o.Logger},
		cache:   newCache(o.CacheKeys),
		exposed: map[keyID]fs.FileMode{},
	}
	if o.Storage == providers.ProtectionEncrypted {
		_, err := p.root.getOrCreate(ctx)
		if err != nil && !p.waits(ctx, err) {
			return nil, errors.Join(err, p.Close())
		}
	}
	return p, nil
}

func (o *Options) complete() error {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Storage == "" {
		o.Storage = providers.ProtectionEncrypted
	}
	if o.RootKey == nil {
		o.RootKey = DefaultRootKey(o.KeyStorePath, cmp.Or(o.Credential, DefaultCredential))
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.KeyStorePath == "":
		return errors.New("the software provider needs a key_store_path")
	case !knownForm(o.Storage):
		return fmt.Errorf("key_storage %q is neither %q nor %q", o.Storage, providers.ProtectionEncrypted, providers.ProtectionCompatible)
	case o.CacheKeys < 0:
		return fmt.Errorf("%d keys cannot be cached", o.CacheKeys)
	}
	return nil
}

// parseKnown decodes the ids of the key info manager. A row with an id of another shape is
// that row's problem: its key cannot be used, all others can.
func parseKnown(encoded []providers.KeyID) []keyID {
	ids := make([]keyID, 0, len(encoded))
	for _, b := range encoded {
		if id, err := parseKeyID(b); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Info returns the description of an instance of that name.
func Info(name string) providers.Info {
	return providers.Info{
		ID: wire.ProviderMbedCrypto, UUID: UUID, Name: name,
		Description: "User space software provider, based on Mbed Crypto - the reference implementation of the PSA crypto API",
		Vendor:      "Arm", Minor: 1,
	}
}

// Info describes the instance.
func (p *Provider) Info() providers.Info { return p.info }

// Close forgets all keys and gives the key store up. Calls that are under way finish; later
// ones are StatusBadState.
func (p *Provider) Close() error {
	p.cache.close()
	p.root.wipe()
	return p.store.leave()
}
