package agentd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
)

func openTPM(ctx context.Context, b *builder, inst *instance) (providers.Provider, error) {
	c := inst.config.TPM
	made, err := tpm.New(tpm.Options{
		Name: inst.ref.Name, TCTI: tpm.TCTI(c.TCTI), OwnerAuth: c.OwnerAuth, EndorsementAuth: c.EndorsementAuth,
		Root: rootEntry{inst}, Logger: b.log,
	})
	if err != nil {
		return nil, err
	}
	return b.admit(ctx, inst, made)
}

// leaveOut returns nil when the configuration allows that the provider is not there.
func (b *builder) leaveOut(ctx context.Context, p config.Provider, err error) error {
	if p.TPM == nil || !p.TPM.SkipIfNone || !errors.Is(err, tpm.ErrAbsent) {
		return err
	}
	b.log.LogAttrs(ctx, slog.LevelWarn, "provider_left_out", slog.String("provider", p.Name), slog.String("reason", err.Error()))
	return nil
}

// rootEntry is the entry of a TPM's root key, owned by the service itself.
type rootEntry struct{ *instance }

// Load returns the stored id, nil when there is none.
func (r rootEntry) Load() ([]byte, error) {
	e, err := r.store.Get(kim.Internal(), tpm.RootKeyName, r.ref)
	if wire.StatusOf(err) == wire.StatusDoesNotExist {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if e.Provider != r.ref {
		return nil, fmt.Errorf("the root key in the key manager is that of provider %q; a key manager has room for the root key of one TPM provider", e.Provider.Name)
	}
	return bytes.Clone(e.KeyID), nil
}

// Save stores the first id.
func (r rootEntry) Save(ctx context.Context, id []byte) error {
	name, err := r.store.Reserve(kim.Internal(), tpm.RootKeyName, r.ref)
	if err != nil {
		return err
	}
	defer name.Release()
	return name.Commit(ctx, id, tpm.RootKeyAttributes)
}
