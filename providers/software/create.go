package software

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

var _ providers.Checker = (*Provider)(nil)

// CheckNewKey refuses what the original refuses before it looks at the name: RSA sizes
// that it does not have. An import may leave the size to its data.
func (p *Provider) CheckNewKey(attrs psa.Attributes, data []byte) error {
	if data != nil && attrs.Bits == 0 {
		return nil
	}
	return material.CheckRSASize(attrs)
}

// GenerateKey makes a key and stores it.
func (p *Provider) GenerateKey(ctx context.Context, attrs psa.Attributes) (providers.KeyID, error) {
	data, err := material.Generate(attrs)
	if err != nil {
		return nil, err
	}
	defer wipe(data)
	return p.add(ctx, attrs, data)
}

// ImportKey stores a key in the format of section 3.5. Bits of attrs may be 0.
func (p *Provider) ImportKey(ctx context.Context, attrs psa.Attributes, data []byte) (providers.KeyID, error) {
	return p.add(ctx, attrs, data)
}

// add makes sure that the key can be used, stores it and keeps it loaded.
func (p *Provider) add(ctx context.Context, attrs psa.Attributes, data []byte) (providers.KeyID, error) {
	key, err := material.New(attrs, data)
	if err != nil {
		return nil, err
	}
	id, err := p.storeNew(ctx, attrs, key)
	if err != nil {
		key.Wipe()
		return nil, err
	}
	p.cache.put(id, attrs, key)
	return id.encode(), nil
}

// storeNew stores what the key exports, which is canonical; the data that it was made of
// need not be.
func (p *Provider) storeNew(ctx context.Context, attrs psa.Attributes, key *material.Key) (keyID, error) {
	data, err := key.Export()
	if err != nil {
		return 0, err
	}
	defer wipe(data)
	its, err := keyfile.New(attrs, key.Bits(), data)
	if err != nil {
		return 0, err
	}
	content := its.Marshal()
	defer wipe(content)
	return p.store.create(func(id keyID) ([]byte, error) { return p.encode(ctx, id, content, p.storage) })
}

// encode turns the content of a compatible file into a file of the form. The result is the
// caller's, who may wipe it; the content is not touched.
func (p *Provider) encode(ctx context.Context, id keyID, content []byte, form providers.Protection) ([]byte, error) {
	if form == providers.ProtectionCompatible {
		return append(make([]byte, 0, len(content)), content...), nil
	}
	root, err := p.root.getOrCreate(ctx)
	if err != nil {
		return nil, rootKeyError(err)
	}
	return keyfile.Seal(root, uint32(id), content)
}

// DestroyKey removes the key file. It need not be readable.
func (p *Provider) DestroyKey(_ context.Context, key providers.Key) error {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return err
	}
	defer p.cache.drop(id)
	return p.store.remove(id)
}
