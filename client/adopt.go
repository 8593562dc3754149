package client

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Unnamed is something that lies in a device without a name in the service.
type Unnamed struct {
	Provider wire.ProviderID
	Instance string
	// Locator names it in AdoptKey; Kind and Label are for people.
	Locator, Kind, Label string
	// Attributes are those with which it is adopted unless others are asked for; zero where
	// Problem says why it cannot be.
	Attributes psa.Attributes
	Problem    string
	// Authentication says what each private use asks a person for; empty for nothing.
	Authentication string
	// Certificate is the DER of one that lies beside it, nil for none.
	Certificate []byte
}

// DeviceFailure tells of a provider instance that could not be looked at, or, with More, that
// has more than is listed.
type DeviceFailure struct {
	Instance, Reason, Remedy string
	More                     bool
}

// device says in which instances to look: the chosen one, or all.
func (c *Client) device() (name string, id uint32) {
	if c.provider != nil {
		id = uint32(*c.provider)
	}
	return c.instance, id
}

// ListUnnamed lists what lies in the devices of the chosen provider, or of all, without a name.
// It is for administrators.
func (c *Client) ListUnnamed(ctx context.Context) ([]Unnamed, []DeviceFailure, error) {
	in := &agentpb.ListUnnamed{}
	in.ProviderName, in.ProviderId = c.device()
	var m agentpb.ListUnnamedResult
	if err := c.do(ctx, call{op: agent.OpListUnnamed, in: in, needs: "looking for keys of others"}, &m); err != nil {
		return nil, nil, err
	}
	found := make([]Unnamed, 0, len(m.GetObjects()))
	for _, o := range m.GetObjects() {
		u := Unnamed{
			Instance: o.GetProviderName(), Locator: o.GetLocator(), Kind: o.GetKind(), Label: o.GetLabel(),
			Problem: o.GetProblem(), Authentication: o.GetAuthentication(), Certificate: o.GetCertificate(),
		}
		var err error
		if u.Provider, err = c.providerID(o.GetProviderId()); err != nil {
			return nil, nil, err
		}
		if o.GetAttributes() != nil {
			if u.Attributes, err = agent.DecodeAttributes(o.GetAttributes()); err != nil {
				return nil, nil, &ProtocolError{c.endpoint, "the attributes of the object " + u.Locator + " are not valid"}
			}
		}
		found = append(found, u)
	}
	var failures []DeviceFailure
	for _, f := range m.GetFailures() {
		failures = append(failures, DeviceFailure{f.GetProviderName(), f.GetReason(), f.GetRemedy(), f.GetMore()})
	}
	return found, failures, nil
}

// Adoption is the wish to use what lies in a device.
type Adoption struct {
	Locator string
	// Usage and Algorithm narrow the policy; zero takes the usual one that the object allows.
	Usage     psa.Usage
	Algorithm psa.Algorithm
	// Application becomes the owner; empty is the caller.
	Application string
	// Content is a key file that only the device opens, Auth the object's authorisation value.
	Content, Auth []byte
}

// AdoptKey gives a name to what lies in a device. It is for administrators.
func (c *Client) AdoptKey(ctx context.Context, name psa.KeyName, a Adoption) (KeyInfo, error) {
	in := &agentpb.Adopt{
		KeyName: string(name), Locator: a.Locator, Usage: uint32(a.Usage), Application: a.Application, Content: a.Content, Auth: a.Auth,
	}
	in.ProviderName, in.ProviderId = c.device()
	if a.Algorithm.Kind != psa.AlgNone {
		in.Algorithm = agent.EncodeAlgorithm(a.Algorithm)
	}
	var m agentpb.AdoptResult
	err := c.do(ctx, call{op: agent.OpAdopt, in: in, once: true, object: keyObject(name), needs: "adopting keys of others"}, &m)
	if err != nil {
		return KeyInfo{}, err
	}
	k := KeyInfo{Name: name, Instance: m.GetProviderName(), Locator: m.GetLocator(), Certificate: m.GetCertificate()}
	if k.Provider, err = c.providerID(m.GetProviderId()); err != nil {
		return KeyInfo{}, err
	}
	if k.Attributes, err = agent.DecodeAttributes(m.GetAttributes()); err != nil {
		return KeyInfo{}, &ProtocolError{c.endpoint, "the attributes of the adopted key are not valid"}
	}
	return k, nil
}

// DestroyAdopted removes an adopted key from its device, and its name, and returns what was
// removed. A key that was not adopted is destroyed as ever. It is for administrators.
func (c *Client) DestroyAdopted(ctx context.Context, name psa.KeyName) (removed []string, err error) {
	q, err := c.crypto(ctx, wire.OpDestroyKey, keyObject(name))
	if err != nil {
		return nil, err
	}
	q.once, q.needs = true, "removing keys of others from their devices"
	q.in, q.ext = &psapb.KeyRef{KeyName: string(name)}, &agentpb.Extension{Destroy: true}
	var m agentpb.Extension
	err = c.do(ctx, q, &m)
	return m.GetRemoved(), err
}

// KeyDetails returns the entries of the caller's keys of a name, in all providers, with the
// certificates that lie beside them.
func (c *Client) KeyDetails(ctx context.Context, name psa.KeyName) ([]KeyInfo, error) {
	return c.listKeys(ctx, &agentpb.ListKeys{Names: []string{string(name)}, Certificates: true})
}
