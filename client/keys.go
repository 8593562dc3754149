package client

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// crypto begins a request to the provider of operations with keys.
func (c *Client) crypto(ctx context.Context, op wire.Opcode, object string) (call, error) {
	id, err := c.Provider(ctx)
	return call{op: op, provider: id, object: object}, err
}

// choosing adds the provider instance to a request that may name one.
func (c *Client) choosing(q *call) {
	if c.instance == "" {
		return
	}
	if q.ext == nil {
		q.ext = &agentpb.Extension{}
	}
	q.ext.ProviderName = c.instance
	q.needs = "choosing a provider by name"
}

// attributes encodes attributes for a request: in the original's message where it can
// express them, else in the extension.
func (q *call) attributes(a psa.Attributes) (*psapb.KeyAttributes, error) {
	if err := a.Valid(); err != nil {
		return nil, err
	}
	if m, err := psa.EncodeAttributes(a); err == nil {
		return m, nil
	}
	q.ext = &agentpb.Extension{Attributes: agent.EncodeAttributes(a)}
	q.needs = "keys such as " + a.Curve.String()
	return nil, nil //nolint:nilnil // the extension holds them
}

// GenerateKey makes a key. The name must be free: StatusAlreadyExists.
func (c *Client) GenerateKey(ctx context.Context, name psa.KeyName, attrs psa.Attributes) error {
	q, err := c.crypto(ctx, wire.OpGenerateKey, keyObject(name))
	if err != nil {
		return err
	}
	q.once = true
	m, err := q.attributes(attrs)
	if err != nil {
		return err
	}
	c.choosing(&q)
	q.in = &psapb.GenerateKey{KeyName: string(name), Attributes: m}
	return c.do(ctx, q, nil)
}

// ImportKey stores a key whose bytes are in the format of docs/spec/parsec-service.md
// section 3.5. Bits of attrs may be 0: the size of the data then counts.
func (c *Client) ImportKey(ctx context.Context, name psa.KeyName, attrs psa.Attributes, data []byte) error {
	q, err := c.crypto(ctx, wire.OpImportKey, keyObject(name))
	if err != nil {
		return err
	}
	q.once = true
	m, err := q.attributes(attrs)
	if err != nil {
		return err
	}
	c.choosing(&q)
	q.in = &psapb.ImportKey{KeyName: string(name), Attributes: m, Data: data}
	return c.do(ctx, q, nil)
}

// withName makes a request that holds nothing but a key name.
func (c *Client) withName(ctx context.Context, op wire.Opcode, name psa.KeyName) ([]byte, error) {
	q, err := c.crypto(ctx, op, keyObject(name))
	if err != nil {
		return nil, err
	}
	q.once = op == wire.OpDestroyKey
	q.in = &psapb.KeyRef{KeyName: string(name)}
	return c.output(ctx, q)
}

// output makes a request whose result is one byte string.
func (c *Client) output(ctx context.Context, q call) ([]byte, error) {
	var m psapb.Output
	err := c.do(ctx, q, &m)
	return m.GetOutput(), err
}

// ExportPublicKey returns the public half of a key pair, or a public key, in the format
// of docs/spec/parsec-service.md section 3.5.
func (c *Client) ExportPublicKey(ctx context.Context, name psa.KeyName) ([]byte, error) {
	return c.withName(ctx, wire.OpExportPublicKey, name)
}

// ExportKey returns the whole key in the format of docs/spec/parsec-service.md section
// 3.5; the key must permit it. The caller wipes it.
func (c *Client) ExportKey(ctx context.Context, name psa.KeyName) ([]byte, error) {
	return c.withName(ctx, wire.OpExportKey, name)
}

// DestroyKey destroys a key for good.
func (c *Client) DestroyKey(ctx context.Context, name psa.KeyName) error {
	_, err := c.withName(ctx, wire.OpDestroyKey, name)
	return err
}

// CanDoCrypto asks whether the provider can use, generate, import or derive keys with
// these attributes; no is StatusNotSupported.
func (c *Client) CanDoCrypto(ctx context.Context, check psa.Check, attrs psa.Attributes) error {
	q, err := c.crypto(ctx, wire.OpCanDoCrypto, "")
	if err != nil {
		return err
	}
	m, err := q.attributes(attrs)
	if err != nil {
		return err
	}
	c.choosing(&q)
	q.in = &psapb.CanDoCrypto{CheckType: int32(check), Attributes: m}
	return c.do(ctx, q, nil)
}

// FindKey returns the entry of a key of the caller: that of the chosen provider if one is
// chosen, else the first listed.
func (c *Client) FindKey(ctx context.Context, name psa.KeyName) (KeyInfo, error) {
	keys, err := c.Keys(ctx)
	if err != nil {
		return KeyInfo{}, err
	}
	for _, k := range keys {
		if k.Name == name && (c.provider == nil || *c.provider == k.Provider) && (c.instance == "" || c.instance == k.Instance) {
			return k, nil
		}
	}
	return KeyInfo{}, &wire.Error{
		Status: wire.StatusDoesNotExist, Object: keyObject(name), Reason: "no key of yours has that name", Remedy: "parsecctl key list",
	}
}

// Keys returns the caller's keys with all that the service can tell of them.
func (c *Client) Keys(ctx context.Context) ([]KeyInfo, error) {
	if c.Persistent() {
		return c.ListKeysDetailed(ctx, false)
	}
	return c.ListKeys(ctx)
}
