package client

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Info is what a parsec-agent says about itself. The fields below Caller are for
// administrators and zero for others.
type Info struct {
	Version        string
	Uptime         time.Duration
	Mode           string // "system" or "user"
	Providers      []ProviderState
	Authenticators []AuthenticatorState
	Caller         Caller

	ConfigPath, SocketPath string
	KeyManagers            []KeyManager
	Resources              Resources
	GoVersion              string
}

// ProviderState is a provider instance as it is now.
type ProviderState struct {
	Name        string
	ID          wire.ProviderID
	UUID        string
	Description string
	State       string // "ready", or "starting", "absent", "locked", "refused", "failed"
	Reason      string // why it is not ready
	Remedy      string // what to do about it
	Opcodes     []wire.Opcode
	Keys        uint64 // of the caller; of everybody for administrators
	Storage     string // how new keys are stored, where that is a choice
	KeyManager  string
}

// AuthenticatorState is a configured authenticator.
type AuthenticatorState struct {
	ID          wire.AuthType
	Description string
	Primary     bool
}

// Caller is who the agent takes the caller for.
type Caller struct {
	Application string
	Auth        wire.AuthType
	UID, GID    uint32
	PID         int32
	Admin       bool
}

// KeyManager is a store of names and attributes.
type KeyManager struct {
	Name, Kind, Path string
	Entries, Bytes   uint64
	Schema           uint32
}

// Resources is what the agent's process uses.
type Resources struct {
	MemoryBytes     uint64 // resident set
	Connections     uint64
	Goroutines      uint64
	FileDescriptors uint64
	Requests        uint64 // since start
	Refused         uint64 // connections refused by a limit, since start
}

// Info asks a parsec-agent about itself.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var m agentpb.Info
	if err := c.do(ctx, call{op: agent.OpInfo, optional: true, needs: "information about itself"}, &m); err != nil {
		return Info{}, err
	}
	info := Info{
		Version: m.GetVersion(), Uptime: milliseconds(m.GetUptimeMs()), Mode: m.GetMode(),
		ConfigPath: m.GetConfigPath(), SocketPath: m.GetSocketPath(), GoVersion: m.GetGoVersion(),
		Caller: Caller{
			Application: m.GetCaller().GetApplication(), UID: m.GetCaller().GetUid(), GID: m.GetCaller().GetGid(),
			PID: m.GetCaller().GetPid(), Admin: m.GetCaller().GetAdmin(),
		},
	}
	var err error
	if info.Caller.Auth, err = c.authType(m.GetCaller().GetAuthType()); err != nil {
		return Info{}, err
	}
	for _, p := range m.GetProviders() {
		state := ProviderState{
			Name: p.GetName(), UUID: p.GetUuid(), Description: p.GetDescription(), State: p.GetState(),
			Reason: p.GetReason(), Remedy: p.GetRemedy(), Keys: p.GetKeys(), Storage: p.GetStorage(), KeyManager: p.GetKeyManager(),
		}
		if state.ID, err = c.providerID(p.GetId()); err != nil {
			return Info{}, err
		}
		for _, op := range p.GetOpcodes() {
			state.Opcodes = append(state.Opcodes, wire.Opcode(op))
		}
		info.Providers = append(info.Providers, state)
	}
	for _, a := range m.GetAuthenticators() {
		kind, err := c.authType(a.GetId())
		if err != nil {
			return Info{}, err
		}
		info.Authenticators = append(info.Authenticators, AuthenticatorState{kind, a.GetDescription(), a.GetPrimary()})
	}
	info.inside(&m)
	return info, nil
}

// inside fills in what administrators see.
func (i *Info) inside(m *agentpb.Info) {
	for _, k := range m.GetKeyManagers() {
		i.KeyManagers = append(i.KeyManagers, KeyManager{
			Name: k.GetName(), Kind: k.GetKind(), Path: k.GetPath(), Entries: k.GetEntries(), Bytes: k.GetBytes(), Schema: k.GetSchema(),
		})
	}
	r := m.GetResources()
	i.Resources = Resources{
		MemoryBytes: r.GetMemoryBytes(), Connections: r.GetConnections(), Goroutines: r.GetGoroutines(),
		FileDescriptors: r.GetFileDescriptors(), Requests: r.GetRequests(), Refused: r.GetRefused(),
	}
}

func milliseconds(n uint64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/uint64(time.Millisecond))) * time.Millisecond
}

func (s *shared) authType(n uint32) (wire.AuthType, error) {
	if n > math.MaxUint8 {
		return 0, &ProtocolError{s.endpoint, fmt.Sprintf("an authenticator has the number %d", n)}
	}
	return wire.AuthType(n), nil
}

func (s *shared) providerID(n uint32) (wire.ProviderID, error) {
	if n > math.MaxUint8 {
		return 0, &ProtocolError{s.endpoint, fmt.Sprintf("a provider has the number %d", n)}
	}
	return wire.ProviderID(n), nil
}

// Severity of a Finding.
type Severity string

// The severities.
const (
	SeverityOK      Severity = "ok"
	SeverityNote    Severity = "note"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Finding is one result of an examination.
type Finding struct {
	Severity Severity
	Area     string // "socket", "storage", "provider", …
	Object   string
	Problem  string
	Remedy   string
}

// Doctor has a parsec-agent examine itself.
func (c *Client) Doctor(ctx context.Context) ([]Finding, error) {
	var m agentpb.DoctorResult
	err := c.do(ctx, call{op: agent.OpDoctor, optional: true, needs: "an examination of itself"}, &m)
	var found []Finding
	for _, f := range m.GetFindings() {
		found = append(found, Finding{Severity(f.GetSeverity()), f.GetArea(), f.GetObject(), f.GetProblem(), f.GetRemedy()})
	}
	return found, err
}

// ListKeysDetailed returns keys with all that a parsec-agent knows of them: the caller's,
// or everybody's for administrators who ask for all.
func (c *Client) ListKeysDetailed(ctx context.Context, all bool) ([]KeyInfo, error) {
	return c.listKeys(ctx, &agentpb.ListKeys{All: all})
}

func (c *Client) listKeys(ctx context.Context, in *agentpb.ListKeys) ([]KeyInfo, error) {
	var m agentpb.ListKeysResult
	q := call{op: agent.OpListKeys, in: in, needs: "the detailed list of keys"}
	if err := c.do(ctx, q, &m); err != nil {
		return nil, err
	}
	found := make([]KeyInfo, 0, len(m.GetKeys()))
	for _, k := range m.GetKeys() {
		name := psa.KeyName(k.GetName())
		attrs, err := agent.DecodeAttributes(k.GetAttributes())
		if err != nil {
			return nil, &ProtocolError{c.endpoint, "the attributes of " + keyObject(name) + " are not valid"}
		}
		id, err := c.providerID(k.GetProviderId())
		if err != nil {
			return nil, err
		}
		auth, err := c.authType(k.GetAuthType())
		if err != nil {
			return nil, err
		}
		found = append(found, KeyInfo{
			Name: name, Provider: id, Attributes: attrs, Instance: k.GetProviderName(), Auth: auth,
			Application: k.GetApplication(), Storage: k.GetStorage(), Locator: k.GetLocator(), Certificate: k.GetCertificate(),
		})
	}
	return found, nil
}
