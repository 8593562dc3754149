package agentd

import (
	"context"
	"log/slog"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// What the core provider says of itself: the version is that of the original whose
// behaviour callers get.
const (
	coreDescription = "Software provider that implements only administrative (i.e. no cryptographic) operations"
	coreMajor       = 1
	coreMinor       = 4
	coreRevision    = 1
)

// coreOpcodes are what the original lists for its core provider; it leaves the operations
// for administrators out.
var coreOpcodes = []wire.Opcode{
	wire.OpPing, wire.OpListProviders, wire.OpListOpcodes, wire.OpListAuthenticators, wire.OpListKeys,
}

// nothing is the decoder's part for operations without fields: any well-formed message.
func (r *request) nothing() error { return psa.Unmarshal(r.Body, &psapb.Empty{}) }

func decodePing(r *request) (action, error) {
	return func(context.Context, *request) ([]byte, error) {
		return psa.Marshal(&psapb.PingResult{WireProtocolVersionMaj: wire.VersionMajor, WireProtocolVersionMin: wire.VersionMinor})
	}, r.nothing()
}

func decodeListProviders(r *request) (action, error) {
	return func(_ context.Context, r *request) ([]byte, error) {
		m := &psapb.ListProvidersResult{}
		for _, inst := range r.backend.instances {
			i := inst.provider.Info()
			m.Providers = append(m.Providers, &psapb.ListProvidersResult_ProviderInfo{
				Uuid: i.UUID, Description: i.Description, Vendor: i.Vendor, Id: uint32(i.ID),
				VersionMaj: i.Major, VersionMin: i.Minor, VersionRev: i.Revision,
			})
		}
		m.Providers = append(m.Providers, &psapb.ListProvidersResult_ProviderInfo{
			Uuid: kim.ProviderUUID(wire.ProviderCore), Description: coreDescription, Id: uint32(wire.ProviderCore),
			VersionMaj: coreMajor, VersionMin: coreMinor, VersionRev: coreRevision,
		})
		return psa.Marshal(m)
	}, r.nothing()
}

func decodeListOpcodes(r *request) (action, error) {
	m := &psapb.ListOpcodes{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	id := wire.ProviderID(min(m.GetProviderId(), 0xff))
	if !id.Known() {
		return nil, wire.Errorf(wire.StatusProviderDoesNotExist, "no provider has the number %d", m.GetProviderId())
	}
	return func(_ context.Context, r *request) ([]byte, error) {
		if id == wire.ProviderCore {
			ops := coreOpcodes
			if r.flagged {
				ops = append(slices.Clone(ops), wire.OpListClients, wire.OpDeleteClient)
			}
			return listOpcodes(ops)
		}
		inst := r.backend.latest(id)
		if inst == nil {
			return nil, wire.Errorf(wire.StatusProviderNotRegistered, "no provider of kind %s is configured", id)
		}
		if r.flagged {
			return listOpcodes(providers.Opcodes(inst.provider))
		}
		return listOpcodes(providers.Original(inst.provider))
	}, nil
}

func listOpcodes(ops []wire.Opcode) ([]byte, error) {
	m := &psapb.ListOpcodesResult{}
	for _, op := range ops {
		m.Opcodes = append(m.Opcodes, uint32(op))
	}
	return psa.Marshal(m)
}

func decodeListAuthenticators(r *request) (action, error) {
	return func(_ context.Context, r *request) ([]byte, error) {
		m := &psapb.ListAuthenticatorsResult{}
		for _, i := range r.backend.auth.List(r.flagged) {
			m.Authenticators = append(m.Authenticators, &psapb.ListAuthenticatorsResult_AuthenticatorInfo{
				Description: i.Description, VersionMaj: i.Major, VersionMin: i.Minor, VersionRev: i.Revision, Id: uint32(i.Type),
			})
		}
		return psa.Marshal(m)
	}, r.nothing()
}

// decodeListKeys lists what the original's messages can express, each with the kind of
// its provider; AgentListKeys lists all.
func decodeListKeys(r *request) (action, error) {
	return func(_ context.Context, r *request) ([]byte, error) {
		m := &psapb.ListKeysResult{}
		for _, st := range r.backend.stores {
			for _, e := range st.List(r.owner()) {
				attrs, err := psa.EncodeAttributes(e.Attributes)
				if err != nil || !r.backend.holds(st.Store, e) {
					continue
				}
				m.Keys = append(m.Keys, &psapb.ListKeysResult_KeyInfo{
					ProviderId: uint32(e.Provider.ID), Name: string(e.Name), Attributes: attrs,
				})
			}
		}
		return psa.Marshal(m)
	}, r.nothing()
}

// holds reports whether a configured instance keeps entry e in store st.
func (b *backend) holds(st kim.Store, e kim.Entry) bool {
	inst := b.holder(e)
	return inst != nil && inst.store == st
}

func decodeListClients(r *request) (action, error) {
	return func(_ context.Context, r *request) ([]byte, error) {
		var names []string
		for _, k := range r.backend.keysOf(func(kim.Entry) bool { return true }) {
			names = append(names, k.Owner.App)
		}
		slices.Sort(names)
		return psa.Marshal(&psapb.ListClientsResult{Clients: slices.Compact(names)})
	}, r.nothing()
}

// decodeDeleteClient destroys all keys of an application under the caller's type of
// authenticator. As in the original it succeeds for unknown applications; what could not
// be destroyed is logged, and said to callers that asked.
func decodeDeleteClient(r *request) (action, error) {
	m := &psapb.DeleteClient{}
	err := psa.Unmarshal(r.Body, m)
	return func(ctx context.Context, r *request) ([]byte, error) {
		owner := kim.Owner{Auth: r.who.Auth, App: m.GetClient()}
		var failed error
		for _, k := range r.backend.keysOf(func(e kim.Entry) bool { return e.Owner == owner }) {
			if err := k.instance.destroy(ctx, k.Entry); err != nil {
				failed = about(quoteKey(k.Name), err)
				r.conn.service.log.LogAttrs(ctx, slog.LevelError, "key_not_destroyed",
					slog.String("provider", k.instance.ref.Name), slog.Any("error", err))
			}
		}
		if r.flagged {
			return nil, failed
		}
		return nil, nil
	}, err
}
