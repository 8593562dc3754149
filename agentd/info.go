package agentd

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

func decodeListAgentOpcodes(r *request) (action, error) {
	return func(context.Context, *request) ([]byte, error) { return listOpcodes(agent.Opcodes()) }, r.nothing()
}

func decodeInfo(r *request) (action, error) {
	return func(_ context.Context, r *request) ([]byte, error) {
		s := r.conn.service
		m := &agentpb.Info{
			Version: s.options.Version, UptimeMs: uint64(time.Since(s.started).Milliseconds()), Mode: "system", //nolint:gosec // the clock is monotonic
			Caller: &agentpb.Info_Caller{
				Application: r.who.App, AuthType: uint32(r.who.Auth), Admin: r.who.Admin,
				Uid: r.conn.peer.UID, Gid: r.conn.peer.GID, Pid: r.conn.peer.PID,
			},
		}
		if s.options.User {
			m.Mode = "user"
		}
		for _, inst := range r.backend.instances {
			m.Providers = append(m.Providers, r.describe(inst))
		}
		for i, a := range r.backend.auth.List(true) {
			m.Authenticators = append(m.Authenticators, &agentpb.Info_Authenticator{
				Id: uint32(a.Type), Description: a.Description, Primary: i == 0,
			})
		}
		if r.who.Admin {
			s.describeInside(m, r.backend)
		}
		return psa.Marshal(m)
	}, r.nothing()
}

// describe tells of one provider instance what the caller may know.
func (r *request) describe(inst *instance) *agentpb.Info_Provider {
	i := inst.provider.Info()
	p := &agentpb.Info_Provider{
		Name: inst.ref.Name, Id: uint32(inst.ref.ID), Uuid: inst.ref.UUID, Description: i.Description,
		KeyManager: inst.manager,
	}
	state := inst.state()
	p.State = string(state.Condition)
	if r.authenticated() { // the texts name libraries and serial numbers
		p.Reason, p.Remedy = state.Reason, state.Remedy
	}
	if inst.config.Software != nil {
		p.Storage = string(inst.config.Software.KeyStorage)
	}
	for _, op := range providers.Opcodes(inst.provider) {
		p.Opcodes = append(p.Opcodes, uint32(op))
	}
	p.Keys = uint64(len(r.backend.keysOf(func(e kim.Entry) bool {
		return e.Provider == inst.ref && (r.who.Admin || e.Owner == r.owner())
	})))
	return p
}

// describeInside adds what only administrators see.
func (s *Service) describeInside(m *agentpb.Info, b *backend) {
	m.ConfigPath, m.SocketPath, m.GoVersion = b.config.Path, s.options.SocketPath, runtime.Version()
	for _, st := range b.stores {
		i := st.Info()
		m.KeyManagers = append(m.KeyManagers, &agentpb.Info_KeyManager{
			Name: st.name, Kind: i.Kind, Path: i.Path, Schema: uint32(i.Schema), //nolint:gosec // small numbers, never negative
			Entries: uint64(i.Entries), Bytes: uint64(i.Bytes), //nolint:gosec // counts
		})
	}
	m.Resources = &agentpb.Info_Resources{
		MemoryBytes: residentBytes(), FileDescriptors: openDescriptors(), Goroutines: uint64(runtime.NumGoroutine()), //nolint:gosec // counts
		Connections: uint64(s.ledger.total.Load()), Requests: s.requests.Load(), Refused: s.ledger.refused.Load(), //nolint:gosec // counts
	}
}

// residentBytes returns the resident set of this process, 0 where it cannot be known.
func residentBytes() uint64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	if f := strings.Fields(string(b)); len(f) > 1 {
		pages, err := strconv.ParseUint(f[1], 10, 64)
		if err == nil {
			return pages * uint64(os.Getpagesize()) //nolint:gosec // positive
		}
	}
	return 0
}

// openDescriptors counts the file descriptors of this process.
func openDescriptors() uint64 {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return uint64(len(entries))
}

// decodeListKeysDetailed lists keys of every kind, for administrators of every owner.
func decodeListKeysDetailed(r *request) (action, error) {
	m := &agentpb.ListKeys{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		keys, err := r.selectKeys(m.GetAll(), nil)
		if err != nil {
			return nil, err
		}
		out := &agentpb.ListKeysResult{}
		for _, k := range keys {
			if len(m.GetNames()) > 0 && !slices.Contains(m.GetNames(), string(k.Name)) {
				continue
			}
			key := &agentpb.ListKeysResult_Key{
				Name: string(k.Name), ProviderId: uint32(k.Provider.ID), ProviderName: k.Provider.Name,
				Attributes: agent.EncodeAttributes(k.Attributes), AuthType: uint32(k.Owner.Auth), Application: k.Owner.App,
			}
			if p, ok := k.instance.provider.(providers.Protector); ok {
				form, err := p.Protection(ctx, k.key())
				if err != nil {
					form = "unreadable"
				}
				key.Storage = string(form)
			}
			if k.Adopted {
				key.Locator = k.instance.locate(k.key())
			}
			if m.GetCertificates() {
				key.Certificate = r.certificate(ctx, k.instance, k.key())
			}
			out.Keys = append(out.Keys, key)
		}
		return psa.Marshal(out)
	}, nil
}

// key is what the provider needs of an entry.
func (k ownedKey) key() providers.Key {
	return providers.Key{ID: k.KeyID, Attributes: k.Attributes}
}

// selectKeys returns the caller's keys, or for administrators who ask for all those of
// every owner; names, when given, select among them and must exist.
func (r *request) selectKeys(all bool, names []string) ([]ownedKey, error) {
	if all && !r.who.Admin {
		return nil, wire.Errorf(wire.StatusAdminOperation, "only administrators see the keys of all owners")
	}
	wanted := map[psa.KeyName]bool{}
	for _, n := range names {
		wanted[psa.KeyName(n)] = true
	}
	keys := r.backend.keysOf(func(e kim.Entry) bool {
		return (all || e.Owner == r.owner()) && (len(names) == 0 || wanted[e.Name])
	})
	for _, k := range keys {
		delete(wanted, k.Name)
	}
	for n := range wanted {
		return nil, &wire.Error{Status: wire.StatusDoesNotExist, Object: quoteKey(n), Reason: "no key has that name", Remedy: "parsecctl key list"}
	}
	return keys, nil
}
