package agentd

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// decodeProtect rewrites stored keys in the wanted form, one after the other. Each is
// whole at any instant; a key that cannot be rewritten is reported and the rest go on.
func decodeProtect(r *request) (action, error) {
	m := &agentpb.Protect{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	form := providers.Protection(m.GetForm())
	if form != providers.ProtectionEncrypted && form != providers.ProtectionCompatible {
		return nil, wire.Errorf(wire.StatusInvalidEncoding, "no form of storage is called %q", m.GetForm())
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		keys, err := r.selectKeys(m.GetAll(), m.GetKeyNames())
		if err != nil {
			return nil, err
		}
		progress := &agentpb.Progress{Total: uint64(len(keys))}
		for _, k := range keys {
			progress.Object, progress.Problem = string(k.Name), ""
			if err := k.protect(ctx, form); err != nil {
				progress.Problem = err.Error()
			}
			progress.Done++
			if err := r.progress(progress); err != nil {
				return nil, err
			}
		}
		progress.Object, progress.Problem, progress.Final = "", "", true
		return psa.Marshal(progress)
	}, nil
}

func (k ownedKey) protect(ctx context.Context, form providers.Protection) error {
	p, ok := k.instance.provider.(providers.Protector)
	if !ok {
		return wire.Errorf(wire.StatusNotSupported, "provider %q has no choice of storage", k.instance.ref.Name)
	}
	if form == providers.ProtectionCompatible && !k.Attributes.Expressible() {
		return wire.Errorf(wire.StatusNotSupported, "the original has no such keys")
	}
	return p.Protect(ctx, k.key(), form)
}

// progress sends one frame of progress.
func (r *request) progress(p *agentpb.Progress) error {
	body, err := psa.Marshal(p)
	if err != nil {
		return err
	}
	return r.stream(body)
}
