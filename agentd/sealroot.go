package agentd

import (
	"context"
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// rootKey sets where a software provider's root key comes from, and where it is put by
// sealing and recovery. One that is not sealed yet is in the file.
func (b *builder) rootKey(o *software.Options, c *config.Software) {
	file := software.StoredRootKeyFile(c.KeyStorePath)
	switch c.RootKey {
	case config.RootKeyTPM:
		o.Home = software.RootKeySealed(c.KeyStorePath, c.RootKeyTPM, c.RootKeyPCRs, func() (software.Sealer, error) {
			return b.out.sealer(c.RootKeyTPM)
		})
		o.RootKey = software.FirstRootKey(file, o.Home)
	case config.RootKeyFile:
		o.RootKey, o.Home = file, file
	case config.RootKeyCredential:
		o.RootKey = software.DefaultRootKeyCredential(c.RootKeyCredential)
	default:
		o.Credential, o.Home = c.RootKeyCredential, file
	}
}

// sealer returns the TPM of a provider. It is asked for when it is needed: a device may
// come later than the agent.
func (b *backend) sealer(name string) (software.Sealer, error) {
	inst := b.named(name)
	if inst == nil {
		return nil, &wire.Error{
			Status: wire.StatusHardwareFailure, Object: fmt.Sprintf("provider %q", name), Reason: fmt.Sprintf("the TPM provider %q is not there", name),
			Remedy: "see why it was left out: parsecctl doctor",
		}
	}
	s, ok := inst.provider.(software.Sealer)
	if !ok {
		return nil, wire.Errorf(wire.StatusNotSupported, "provider %q seals nothing", name)
	}
	return s, nil
}

// byNeed returns the providers in the order in which they are opened: what holds a root
// key before what it is for.
func byNeed(all []config.Provider) []config.Provider {
	needs := func(p config.Provider) bool { return p.Software != nil && p.Software.RootKey == config.RootKeyTPM }
	return slices.SortedStableFunc(slices.Values(all), func(x, y config.Provider) int {
		switch a, b := needs(x), needs(y); {
		case a == b:
			return 0
		case a:
			return 1
		default:
			return -1
		}
	})
}

// arrange puts the instances into the order of the configuration, which clients see.
func (b *backend) arrange() {
	place := func(i *instance) int {
		return slices.IndexFunc(b.config.Providers, func(p config.Provider) bool { return p.Name == i.ref.Name })
	}
	slices.SortStableFunc(b.instances, func(x, y *instance) int { return place(x) - place(y) })
}

// keeper returns the provider whose root key a request is about: the named one, or the
// only one that has a root key.
func (r *request) keeper(name string) (providers.RootKeeper, error) {
	var found []providers.RootKeeper
	for _, inst := range r.backend.instances {
		if k, ok := inst.provider.(providers.RootKeeper); ok && (name == "" || inst.ref.Name == name) {
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 0 && name != "":
		return nil, wire.Errorf(wire.StatusProviderNotRegistered, "no provider with a root key is named %q", name)
	case len(found) == 0:
		return nil, wire.Errorf(wire.StatusProviderNotRegistered, "no provider has a root key")
	case len(found) > 1:
		return nil, &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%d providers have a root key", len(found)), Remedy: "choose one with --provider NAME",
		}
	}
	return found[0], nil
}

func decodeSealRoot(r *request) (action, error) {
	m := &agentpb.SealRoot{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetRecoveryKey())
		keeper, err := r.keeper(m.GetProviderName())
		if err != nil {
			return nil, err
		}
		if len(m.GetRecoveryKey()) == 0 {
			if err := keeper.CanSealRoot(ctx); err != nil {
				return nil, err
			}
			drawn := software.NewRecoveryKey()
			defer clear(drawn)
			return psa.Marshal(&agentpb.SealRootResult{RecoveryKey: drawn})
		}
		sealed, err := keeper.SealRoot(ctx, m.GetRecoveryKey())
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.SealRootResult{RootKey: sealed.ID, Place: sealed.Place})
	}, nil
}

func decodeRecoverRoot(r *request) (action, error) {
	m := &agentpb.RecoverRoot{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetRecoveryKey())
		keeper, err := r.keeper(m.GetProviderName())
		if err != nil {
			return nil, err
		}
		kept, err := keeper.RecoverRoot(ctx, m.GetRecoveryKey())
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.RecoverRootResult{RootKey: kept.ID, Place: kept.Place})
	}, nil
}
