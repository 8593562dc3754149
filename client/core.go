package client

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Version is a version number of up to three parts.
type Version struct {
	Major, Minor, Revision uint32
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Revision) }

// Provider describes a provider of the service.
type Provider struct {
	ID          wire.ProviderID
	UUID        string
	Description string
	Vendor      string
	Version     Version
}

// Authenticator describes an authenticator of the service.
type Authenticator struct {
	ID          wire.AuthType
	Description string
	Version     Version
}

// Ping returns the version of the wire protocol; Revision has no meaning.
func (c *Client) Ping(ctx context.Context) (Version, error) {
	var m psapb.PingResult
	err := c.do(ctx, call{op: wire.OpPing, anyone: true}, &m)
	return Version{Major: m.GetWireProtocolVersionMaj(), Minor: m.GetWireProtocolVersionMin()}, err
}

// ListProviders returns the providers in the order of the configuration: the first is the
// default, the last is the core.
func (c *Client) ListProviders(ctx context.Context) ([]Provider, error) {
	var m psapb.ListProvidersResult
	if err := c.do(ctx, call{op: wire.OpListProviders, anyone: true}, &m); err != nil {
		return nil, err
	}
	found := make([]Provider, 0, len(m.GetProviders()))
	for _, p := range m.GetProviders() {
		id, err := c.providerID(p.GetId())
		if err != nil {
			return nil, err
		}
		found = append(found, Provider{
			ID: id, UUID: p.GetUuid(), Description: p.GetDescription(), Vendor: p.GetVendor(),
			Version: Version{p.GetVersionMaj(), p.GetVersionMin(), p.GetVersionRev()},
		})
	}
	return found, nil
}

// ListOpcodes returns the operations of a provider, in no particular order.
func (c *Client) ListOpcodes(ctx context.Context, id wire.ProviderID) ([]wire.Opcode, error) {
	var m psapb.ListOpcodesResult
	q := call{op: wire.OpListOpcodes, anyone: true, object: "provider " + id.String(), in: &psapb.ListOpcodes{ProviderId: uint32(id)}}
	err := c.do(ctx, q, &m)
	return opcodes(&m), err
}

// ListAgentOpcodes returns the operations that the agent has beyond the original's.
func (c *Client) ListAgentOpcodes(ctx context.Context) ([]wire.Opcode, error) {
	var m psapb.ListOpcodesResult
	err := c.do(ctx, call{op: agent.OpListOpcodes, anyone: true, needs: "the list of agent operations"}, &m)
	return opcodes(&m), err
}

func opcodes(m *psapb.ListOpcodesResult) []wire.Opcode {
	found := make([]wire.Opcode, 0, len(m.GetOpcodes()))
	for _, op := range m.GetOpcodes() {
		found = append(found, wire.Opcode(op))
	}
	return found
}

// ListAuthenticators returns the authenticators, best first.
func (c *Client) ListAuthenticators(ctx context.Context) ([]Authenticator, error) {
	return c.authenticators(ctx)
}

// authenticators also decides, once, how this client authenticates.
func (s *shared) authenticators(ctx context.Context) ([]Authenticator, error) {
	var m psapb.ListAuthenticatorsResult
	if err := s.do(ctx, call{op: wire.OpListAuthenticators, anyone: true}, &m); err != nil {
		return nil, err
	}
	found := make([]Authenticator, 0, len(m.GetAuthenticators()))
	for _, a := range m.GetAuthenticators() {
		id, err := s.authType(a.GetId())
		if err != nil {
			return nil, err
		}
		found = append(found, Authenticator{
			ID: id, Description: a.GetDescription(),
			Version: Version{a.GetVersionMaj(), a.GetVersionMin(), a.GetVersionRev()},
		})
	}
	s.auth.CompareAndSwap(nil, s.choose(found))
	return found, nil
}

// ListClients returns the applications that own keys. For administrators.
func (c *Client) ListClients(ctx context.Context) ([]string, error) {
	var m psapb.ListClientsResult
	err := c.do(ctx, call{op: wire.OpListClients}, &m)
	return m.GetClients(), err
}

// DeleteClient destroys all keys of an application. For administrators.
func (c *Client) DeleteClient(ctx context.Context, application string) error {
	return c.do(ctx, call{
		op: wire.OpDeleteClient, once: true, object: fmt.Sprintf("client %q", application),
		in: &psapb.DeleteClient{Client: application},
	}, nil)
}

// KeyInfo is an entry of the list of keys. The fields below Attributes are known from a
// parsec-agent only.
type KeyInfo struct {
	Name       psa.KeyName
	Provider   wire.ProviderID
	Attributes psa.Attributes

	// Instance is the configured name of the provider that holds the key.
	Instance string
	// Auth and Application own the key.
	Auth        wire.AuthType
	Application string
	// Storage is "encrypted", "compatible" (plaintext, as the original's), or empty where
	// that is no choice.
	Storage string
	// Locator says where an adopted key lies in its device; it is empty for other keys.
	Locator string
	// Certificate is the DER of a certificate beside the key, where it was asked for.
	Certificate []byte
}

// ListKeys returns the caller's keys as the original's message expresses them: without
// those that it cannot express, such as Ed25519 keys.
func (c *Client) ListKeys(ctx context.Context) ([]KeyInfo, error) {
	var m psapb.ListKeysResult
	if err := c.do(ctx, call{op: wire.OpListKeys}, &m); err != nil {
		return nil, err
	}
	found := make([]KeyInfo, 0, len(m.GetKeys()))
	for _, k := range m.GetKeys() {
		name := psa.KeyName(k.GetName())
		attrs, err := psa.DecodeAttributes(k.GetAttributes())
		if err != nil {
			return nil, &ProtocolError{c.endpoint, "the attributes of " + keyObject(name) + " are not valid"}
		}
		id, err := c.providerID(k.GetProviderId())
		if err != nil {
			return nil, err
		}
		found = append(found, KeyInfo{Name: name, Provider: id, Attributes: attrs})
	}
	return found, nil
}

// OperationName names an operation of the protocol or of a parsec-agent.
func OperationName(op wire.Opcode) string { return agent.Name(op) }
