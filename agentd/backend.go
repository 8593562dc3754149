package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn"
	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// backend is all that one configuration built. It is immutable and counted: Load and
// every request at work hold a reference, the last one to go closes it.
type backend struct {
	config    *config.Config
	stores    []namedStore
	instances []*instance // in the order of the configuration
	auth      *authn.Set
	refs      atomic.Int64
}

// namedStore is a key info manager under its configured name.
type namedStore struct {
	kim.Store
	name string
}

// instance is one configured provider with the store of its keys.
type instance struct {
	provider providers.Provider
	ref      kim.Provider
	store    kim.Store
	manager  string // name of the store
	config   config.Provider
	// unlockers are who may give its PIN beside administrators.
	unlockers unlockers
}

// lacks is the answer to an operation that the provider has no power for.
func (i *instance) lacks(op wire.Opcode) error {
	return wire.Errorf(wire.StatusNotSupported, "provider %q has no operation %s", i.ref.Name, agent.Name(op))
}

// latest returns the last configured instance of a kind, which gets new keys, or nil.
func (b *backend) latest(id wire.ProviderID) *instance {
	for _, inst := range slices.Backward(b.instances) {
		if inst.ref.ID == id {
			return inst
		}
	}
	return nil
}

// ofKind returns the instances of a kind with different stores, the last configured
// first: a key is looked up once in each store.
func (b *backend) ofKind(id wire.ProviderID) []*instance {
	var found []*instance
	for _, inst := range slices.Backward(b.instances) {
		seen := slices.ContainsFunc(found, func(f *instance) bool { return f.store == inst.store })
		if inst.ref.ID == id && !seen {
			found = append(found, inst)
		}
	}
	return found
}

// named returns the instance of that name, or nil.
func (b *backend) named(name string) *instance {
	for _, inst := range b.instances {
		if inst.ref.Name == name {
			return inst
		}
	}
	return nil
}

// holder returns the instance that an entry names, or nil: rows of providers that are
// not configured are kept and hidden.
func (b *backend) holder(e kim.Entry) *instance {
	for _, inst := range b.instances {
		if inst.ref == e.Provider {
			return inst
		}
	}
	return nil
}

// keysOf returns the entries of all stores that satisfy keep, each with its instance.
func (b *backend) keysOf(keep func(kim.Entry) bool) []ownedKey {
	var keys []ownedKey
	for _, st := range b.stores {
		for _, e := range st.All() {
			if inst := b.holder(e); inst != nil && inst.store == st.Store && e.Owner != kim.Internal() && keep(e) {
				keys = append(keys, ownedKey{e, inst})
			}
		}
	}
	return keys
}

// ownedKey is an entry with the instance that holds its key.
type ownedKey struct {
	kim.Entry
	instance *instance
}

// drop gives one reference up where nobody could act on an error.
func (b *backend) drop(ctx context.Context, log *slog.Logger) {
	if err := b.release(); err != nil {
		log.LogAttrs(ctx, slog.LevelError, "backend_not_closed", slog.Any("error", err))
	}
}

// release gives one reference up; the last one closes the backend.
func (b *backend) release() error {
	if b.refs.Add(-1) > 0 {
		return nil
	}
	return b.close()
}

func (b *backend) close() error {
	var errs []error
	for _, inst := range slices.Backward(b.instances) {
		if err := inst.provider.Close(); err != nil {
			errs = append(errs, fmt.Errorf("cannot close provider %q: %w", inst.ref.Name, err))
		}
	}
	for _, st := range slices.Backward(b.stores) {
		if err := st.Close(); err != nil {
			errs = append(errs, fmt.Errorf("cannot close key manager %q: %w", st.name, err))
		}
	}
	if b.auth != nil {
		errs = append(errs, b.auth.Close())
	}
	return errors.Join(errs...)
}
