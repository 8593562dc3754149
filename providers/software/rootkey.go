package software

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// RootKey is the key under which key files are encrypted. It prints as a redaction.
type RootKey = rootkey.Key

// RootKeySource is where the root key comes from.
type RootKeySource = rootkey.Source

// RootKeyCreator is a source that can also make and keep a new root key.
type RootKeyCreator = rootkey.Creator

// RootKeySize is the length of a root key in bytes.
const RootKeySize = rootkey.Size

// ErrNoRootKey is what RootKeySource.Load returns when the source has no root key.
var ErrNoRootKey = rootkey.ErrAbsent

// NewRootKey returns a root key of RootKeySize bytes, for sources outside this package.
// It copies the bytes; the caller wipes its own.
func NewRootKey(secret []byte) (*RootKey, error) { return rootkey.New(secret) }

// Files of the key store that are about the root key.
const (
	rootKeyFile  = "root.key"      // the root key itself
	sealedFile   = "root.sealed"   // the root key for one TPM
	recoveryFile = "root.recovery" // the root key for the person with the recovery key
)

// Sealer is a TPM, to which a root key can be sealed.
type Sealer = rootkey.Sealer

// RootKeyStorer is a source that also takes a root key that exists.
type RootKeyStorer = rootkey.Storer

// ErrSealed says that the root key is sealed and does not open now.
var ErrSealed = rootkey.ErrSealed

// DefaultCredential is the name of the systemd credential that holds the root key.
const DefaultCredential = "parsec-root-key" //nolint:gosec // a name, not a secret

// RootKeyFile is the source that is a file, see docs/formats/root-key.md.
func RootKeyFile(path string) RootKeyCreator { return rootkey.File{Path: path} }

// StoredRootKeyFile is root.key in the key store.
func StoredRootKeyFile(keyStorePath string) rootkey.File {
	return rootkey.File{Path: filepath.Join(keyStorePath, rootKeyFile)}
}

// RootKeyCredential is the source that is a credential of systemd; directory is
// $CREDENTIALS_DIRECTORY and may be empty.
func RootKeyCredential(directory, name string) RootKeySource {
	return rootkey.Credential{Directory: directory, Name: name}
}

// RootKeySealed is the source that is sealed to a TPM, in the key store. sealer returns
// the TPM of the provider of that name, or why it is not there.
func RootKeySealed(keyStorePath, name string, pcrs []uint, sealer func() (Sealer, error)) RootKeyStorer {
	return rootkey.Sealed{Path: filepath.Join(keyStorePath, sealedFile), Name: name, PCRs: pcrs, Sealer: sealer}
}

// FirstRootKey asks the sources in their order, best first; a new root key is made in the
// first that can make one.
func FirstRootKey(sources ...RootKeySource) RootKeyCreator { return rootkey.First(sources) }

// DefaultRootKeyCredential is the credential of that name that the service manager passed.
func DefaultRootKeyCredential(name string) RootKeySource {
	return RootKeyCredential(os.Getenv("CREDENTIALS_DIRECTORY"), name)
}

// DefaultRootKey is the credential of that name that the service manager passed, else
// root.key in the key store.
func DefaultRootKey(keyStorePath, credential string) RootKeyCreator {
	return FirstRootKey(
		DefaultRootKeyCredential(credential),
		StoredRootKeyFile(keyStorePath),
	)
}

// keeper loads the root key when it is first needed and keeps it.
type keeper struct {
	source RootKeySource
	store  *store
	log    *slog.Logger

	locked atomic.Bool // the root key waits for somebody's help

	mu  sync.Mutex // guards the field below; held while the source is asked
	key *RootKey
}

// get returns the root key, or an error that is ErrNoRootKey when there is none.
func (k *keeper) get(ctx context.Context) (*RootKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.load(ctx)
}

// getOrCreate returns the root key and makes one where none can have been before.
func (k *keeper) getOrCreate(ctx context.Context) (*RootKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, err := k.load(ctx)
	if !errors.Is(err, ErrNoRootKey) || errors.Is(err, ErrSealed) {
		return key, err // with a sealed one somewhere, a second would split the store
	}
	creator, ok := k.source.(RootKeyCreator)
	if !ok {
		return nil, err
	}
	if err := k.nothingEncrypted(); err != nil {
		return nil, err
	}
	key, err = creator.Create(ctx)
	if errors.Is(err, fs.ErrExist) {
		return k.load(ctx) // another provider of the same store was faster
	}
	if err != nil {
		return nil, err
	}
	k.keep(key)
	k.log.Info("created a root key", "source", k.source.String(), "root_key", key.ID().String())
	return key, nil
}

func (k *keeper) load(ctx context.Context) (*RootKey, error) {
	if k.key != nil {
		return k.key, nil
	}
	key, err := k.ask(ctx)
	k.locked.Store(errors.Is(err, ErrSealed))
	return key, err
}

// ask loads the key from its source.
func (k *keeper) ask(ctx context.Context) (*RootKey, error) {
	key, err := k.source.Load(ctx)
	if errors.Is(err, ErrNoRootKey) {
		err = fmt.Errorf("%w in %s", ErrNoRootKey, k.source)
		if k.store.recoverable() {
			err = fmt.Errorf("%w: %w; there is a copy for the recovery key", ErrSealed, err)
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if err := k.fits(key); err != nil {
		key.Wipe()
		return nil, err
	}
	k.keep(key)
	return key, nil
}

func (k *keeper) keep(key *RootKey) {
	k.key = key
	k.locked.Store(false)
	if err := key.LockError(); err != nil {
		k.log.Warn("the root key is not locked in memory and may reach swap or a core dump; raise LimitMEMLOCK", "error", err)
	}
}

// lockError returns why the loaded root key is not locked in memory.
func (k *keeper) lockError() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key == nil {
		return nil
	}
	return k.key.LockError()
}

func (k *keeper) wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key != nil {
		k.key.Wipe()
	}
}

// nothingEncrypted refuses when the store holds encrypted files: their root key is lost
// or not mounted, and a second one would split the store.
func (k *keeper) nothingEncrypted() error {
	found, err := k.store.census(0, nil)
	switch {
	case err != nil:
		return err
	case found.unknown > 0:
		return fmt.Errorf("key store %s holds %d key files that cannot be read, perhaps encrypted ones, and %s has no root key; no new one is made",
			k.store.dir.Path(), found.unknown, k.source)
	case len(found.encrypted) > 0:
		return fmt.Errorf("key store %s holds %s, which %s does not have; bring that root key back, no new one is made",
			k.store.dir.Path(), found, k.source)
	}
	return nil
}

// fits refuses a root key under which no encrypted file of the store is, when there are
// some. It looks at a few new files first, so that a start costs the same with many keys.
func (k *keeper) fits(key *RootKey) error {
	const few = 64
	for _, limit := range []int{few, 0} {
		found, err := k.store.census(limit, func(id rootkey.ID) bool { return id == key.ID() })
		if err != nil || len(found.encrypted) == 0 || found.encrypted[key.ID()] > 0 {
			return err
		}
		if limit == 0 {
			return fmt.Errorf("key store %s holds %s, but %s has root key %s; bring the right root key back",
				k.store.dir.Path(), found, k.source, key.ID())
		}
	}
	return nil
}

// rootKeyError is what a caller sees when the root key is missing or unsafe.
func rootKeyError(err error) error {
	failure := &wire.Error{
		Status: wire.StatusStorageFailure, Reason: "the key files are encrypted and the root key is not available",
		Remedy: "parsecctl doctor", Err: err,
	}
	if !errors.Is(err, ErrSealed) {
		return failure
	}
	failure.Status, failure.Remedy = wire.StatusBadState, "parsecctl key recover, with the recovery key"
	failure.Reason = "the root key is sealed to a TPM, which does not open it"
	if errors.Is(err, ErrNoRootKey) {
		failure.Reason = "the root key is not where the configuration says; the key store has a copy for the recovery key"
	}
	if detail, ok := errors.AsType[*wire.Error](err); ok && detail.Reason != "" {
		failure.Reason += ": " + detail.Reason
	}
	return failure
}
