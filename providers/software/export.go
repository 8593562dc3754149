package software

import (
	"bytes"
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
)

// ExportKey returns the key as it was generated or imported. The caller wipes it.
func (p *Provider) ExportKey(ctx context.Context, key providers.Key) ([]byte, error) {
	content, err := p.content(ctx, key)
	if err != nil {
		return nil, err
	}
	defer wipe(content)
	its, err := keyfile.Parse(content)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(its.Data), nil
}

// ArchiveKey returns the key as the content of a compatible key file. The caller wipes it.
func (p *Provider) ArchiveKey(ctx context.Context, key providers.Key) ([]byte, error) {
	return p.content(ctx, key)
}

// content returns the content of a key file that is the key of these attributes.
func (p *Provider) content(ctx context.Context, key providers.Key) ([]byte, error) {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return nil, err
	}
	content, err := p.read(ctx, id)
	if err != nil {
		return nil, err
	}
	its, err := keyfile.Parse(content)
	if err == nil {
		err = its.Agree(key.Attributes)
	}
	if err != nil {
		wipe(content)
		return nil, err
	}
	return content, nil
}

// RestoreKey stores an archived key under a new id, in the form that is configured for
// new keys.
func (p *Provider) RestoreKey(ctx context.Context, attrs psa.Attributes, archived []byte) (providers.KeyID, error) {
	key, err := newMaterial(attrs, archived)
	if err != nil {
		return nil, err
	}
	id, err := p.store.create(func(id keyID) ([]byte, error) { return p.encode(ctx, id, archived, p.storage) })
	if err != nil {
		key.Wipe()
		return nil, err
	}
	p.cache.put(id, attrs, key)
	return id.encode(), nil
}
