package software

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
)

func knownForm(form providers.Protection) bool {
	return form == providers.ProtectionEncrypted || form == providers.ProtectionCompatible
}

// Protection returns the form in which the key is stored.
func (p *Provider) Protection(_ context.Context, key providers.Key) (providers.Protection, error) {
	id, err := parseKeyID(key.ID)
	if err != nil {
		return "", err
	}
	head, err := p.store.head(id)
	if err != nil {
		return "", readError(err)
	}
	return protectionOf(keyfile.DetectForm(head))
}

func protectionOf(form keyfile.Form) (providers.Protection, error) {
	switch form {
	case keyfile.FormCompatible:
		return providers.ProtectionCompatible, nil
	case keyfile.FormEncrypted:
		return providers.ProtectionEncrypted, nil
	default:
		return "", wire.Errorf(wire.StatusDataCorrupt, "the key file is damaged: it does not begin with the magic of key files")
	}
}

// Protect rewrites the key in the form. A key that has it already is not touched; one that
// cannot be read is not rewritten.
func (p *Provider) Protect(ctx context.Context, key providers.Key, form providers.Protection) error {
	if !knownForm(form) {
		return wire.Errorf(wire.StatusInvalidArgument, "keys cannot be stored as %q", string(form))
	}
	id, err := parseKeyID(key.ID)
	if err != nil {
		return err
	}
	mu := p.store.rewrite(id)
	mu.Lock()
	defer mu.Unlock()
	if now, err := p.Protection(ctx, key); err != nil || now == form {
		return err
	}
	content, err := p.content(ctx, key)
	if err != nil {
		return err
	}
	defer wipe(content)
	file, err := p.encode(ctx, id, content, form)
	if err != nil {
		return err
	}
	defer wipe(file)
	return storageError("rewrite the key", p.store.dir.Replace(id.fileName(), file))
}
