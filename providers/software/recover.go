package software

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// NewRecoveryKey draws a recovery key and returns its written form, which the caller wipes.
func NewRecoveryKey() []byte {
	k := rootkey.NewRecoveryKey()
	defer k.Wipe()
	return k.Text()
}

// recoverable reports whether the store has a copy of its root key for a recovery key.
func (s *store) recoverable() bool {
	f, err := s.dir.OpenFile(recoveryFile)
	if err == nil {
		_ = f.Close() // read-only
	}
	return !errors.Is(err, fs.ErrNotExist)
}

// waits reports whether the provider is of use without its root key: as long as somebody
// can bring it back, the agent starts, and encrypted keys answer with what is wrong.
func (p *Provider) waits(ctx context.Context, err error) bool {
	if !errors.Is(err, ErrSealed) {
		return false
	}
	p.log.LogAttrs(ctx, slog.LevelError, "root_key_not_available", slog.String("provider", p.info.Name), slog.String("error", err.Error()),
		slog.String("remedy", "parsecctl key recover"))
	return true
}

// Locked says that the root key waits for somebody's help.
func (p *Provider) Locked() bool { return p.root.locked.Load() }

// CanSealRoot returns why the root key cannot be sealed: the configuration names no TPM, or
// there is no root key to be had.
func (p *Provider) CanSealRoot(ctx context.Context) error {
	if _, ok := p.home.(rootkey.Sealed); !ok {
		return &wire.Error{
			Status: wire.StatusNotSupported, Object: p.about(), Reason: "the configuration names no TPM for the root key",
			Remedy: `set root_key = "tpm" in its [[provider]], then systemctl reload parsec`,
		}
	}
	if _, err := p.root.getOrCreate(ctx); err != nil {
		return rootKeyError(err)
	}
	return nil
}

// SealRoot puts the root key into the configured TPM. The order is what matters: the copy
// for the recovery key comes first and is opened again, then the TPM, which shows that it
// opens what it sealed, and the plain file goes last.
func (p *Provider) SealRoot(ctx context.Context, recoveryKey []byte) (providers.RootKey, error) {
	recovery, err := parseRecoveryKey(recoveryKey)
	if err != nil {
		return providers.RootKey{}, err
	}
	defer recovery.Wipe()
	if err := p.CanSealRoot(ctx); err != nil {
		return providers.RootKey{}, err
	}
	p.root.mu.Lock()
	defer p.root.mu.Unlock()
	key := p.root.key
	if err := p.storeCopy(key, recovery); err != nil {
		return providers.RootKey{}, storageError("write the recovery copy", err)
	}
	if err := p.home.Store(ctx, key); err != nil {
		return providers.RootKey{}, p.notKept(err)
	}
	if err := p.store.dir.Remove(rootKeyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return providers.RootKey{}, storageError("remove the plain root key", err)
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "root_key_sealed", p.rootAttrs(key)...)
	return providers.RootKey{ID: key.ID().String(), Place: p.home.String()}, nil
}

// storeCopy writes the copy for the recovery key, and sees whether it opens.
func (p *Provider) storeCopy(key *RootKey, recovery *rootkey.RecoveryKey) error {
	content, err := key.MarshalCopy(recovery)
	if err != nil {
		return err
	}
	if err := p.store.dir.Replace(recoveryFile, content); err != nil {
		return err
	}
	again, err := p.openCopy(recovery)
	if err != nil {
		return err
	}
	defer again.Wipe()
	if again.ID() != key.ID() {
		return errors.New("the recovery copy that was written just now opens as another key")
	}
	return nil
}

func (p *Provider) openCopy(recovery *rootkey.RecoveryKey) (*RootKey, error) {
	f, err := p.store.dir.OpenFile(recoveryFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := f.Read(rootkey.CopySize)
	if err != nil {
		return nil, err
	}
	return rootkey.ParseCopy(content, recovery)
}

// RecoverRoot opens the keys with the recovery key and keeps the root key where the
// configuration says: sealed to the TPM there is now, or in a file.
func (p *Provider) RecoverRoot(ctx context.Context, recoveryKey []byte) (providers.RootKey, error) {
	recovery, err := parseRecoveryKey(recoveryKey)
	if err != nil {
		return providers.RootKey{}, err
	}
	defer recovery.Wipe()
	if p.home == nil {
		return providers.RootKey{}, &wire.Error{
			Status: wire.StatusNotSupported, Object: p.about(), Reason: "the root key comes from a credential, where the agent cannot put it",
			Remedy: `set root_key = "file" or "tpm" in its [[provider]]`,
		}
	}
	key, err := p.openCopy(recovery)
	if err != nil {
		return providers.RootKey{}, p.notRecovered(err)
	}
	p.root.mu.Lock()
	defer p.root.mu.Unlock()
	if err := p.root.fits(key); err != nil {
		key.Wipe()
		return providers.RootKey{}, &wire.Error{Status: wire.StatusDataInvalid, Object: p.about(), Reason: "the recovery copy is of another root key than the key files", Err: err}
	}
	if err := p.home.Store(ctx, key); err != nil {
		key.Wipe()
		return providers.RootKey{}, p.notKept(err)
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "root_key_recovered", p.rootAttrs(key)...)
	kept := providers.RootKey{ID: key.ID().String(), Place: p.home.String()}
	if p.root.key == nil {
		p.root.keep(key)
	} else {
		key.Wipe()
	}
	return kept, nil
}

func (p *Provider) about() string { return fmt.Sprintf("provider %q", p.info.Name) }

func (p *Provider) rootAttrs(key *RootKey) []slog.Attr {
	return []slog.Attr{
		slog.String("provider", p.info.Name), slog.String("root_key", key.ID().String()), slog.String("place", p.home.String()),
	}
}

func parseRecoveryKey(text []byte) (*rootkey.RecoveryKey, error) {
	k, err := rootkey.ParseRecoveryKey(text)
	if err != nil {
		return nil, &wire.Error{
			Status: wire.StatusInvalidArgument, Object: "recovery key", Reason: err.Error(), Remedy: "compare it with what was written down", Err: err,
		}
	}
	return k, nil
}

// notKept explains why a root key could not be put in its place.
func (p *Provider) notKept(err error) error {
	if detail, ok := errors.AsType[*wire.Error](err); ok {
		named := *detail
		named.Object = p.about()
		return &named
	}
	return storageError("keep the root key", err)
}

// notRecovered explains why the recovery copy does not open.
func (p *Provider) notRecovered(err error) error {
	failure := &wire.Error{Status: wire.StatusDataInvalid, Object: p.about(), Reason: err.Error(), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		failure.Status, failure.Reason = wire.StatusDoesNotExist, "the key store has no copy of the root key for a recovery key"
		failure.Remedy = "put " + recoveryFile + " back from a backup of the state directory"
	case errors.Is(err, rootkey.ErrWrongRecoveryKey):
		failure.Status, failure.Remedy = wire.StatusInvalidArgument, "look for the recovery key that was made last for this store"
	case errors.Is(err, rootkey.ErrFormat):
		failure.Remedy = "put " + recoveryFile + " back from a backup of the state directory"
	case errors.Is(err, os.ErrPermission):
		failure.Status = wire.StatusStorageFailure
	}
	return failure
}
