package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// quoteKey names a key in messages, cut to a readable length.
func quoteKey(name psa.KeyName) string {
	const most = 128
	s := string(name)
	if len(s) > most {
		s = s[:most] + "…"
	}
	return "key " + strconv.Quote(s)
}

// attributes returns the attributes of a request: those of the original's message, or
// those of the extension, which expresses more.
func (r *request) attributes(m *psapb.KeyAttributes) (psa.Attributes, error) {
	if ext := r.ext.GetAttributes(); ext != nil {
		return agent.DecodeAttributes(ext)
	}
	return psa.DecodeAttributes(m)
}

// find looks a key of the caller up, in the stores of all instances of the requested
// kind, the last configured first. The instance returned is the one that the entry names.
func (r *request) find(name psa.KeyName) (*instance, kim.Entry, error) {
	for _, inst := range r.candidates() {
		entry, err := inst.store.Get(r.owner(), name, inst.ref)
		if err != nil {
			if wire.StatusOf(err) == wire.StatusDoesNotExist {
				continue
			}
			return nil, kim.Entry{}, about(quoteKey(name), err)
		}
		if !r.flagged && !entry.Attributes.Expressible() {
			continue // a caller that did not ask cannot know such keys
		}
		holder := r.backend.holder(entry)
		if holder == nil || holder.ref.ID != r.Provider {
			return nil, kim.Entry{}, &wire.Error{
				Status: wire.StatusDoesNotExist, Object: quoteKey(name),
				Reason: fmt.Sprintf("the key belongs to provider %q, not to a provider of kind %s", entry.Provider.Name, r.Provider),
			}
		}
		r.instance = holder // for the audit record
		return holder, entry, nil
	}
	return nil, kim.Entry{}, &wire.Error{
		Status: wire.StatusDoesNotExist, Object: quoteKey(name), Reason: "no key of yours has that name",
		Remedy: "parsecctl key list",
	}
}

// candidates are the instances in which a key may be looked up: the one that the caller
// names, or all of the kind.
func (r *request) candidates() []*instance {
	if r.ext.GetProviderName() != "" {
		return []*instance{r.instance}
	}
	return r.backend.ofKind(r.Provider)
}

// create makes a key of the caller after the checks that come before its name.
func (r *request) create(ctx context.Context, attrs psa.Attributes, data []byte, produce func() (providers.KeyID, error)) error {
	if !attrs.Expressible() && !r.flagged {
		return wire.StatusNotSupported
	}
	if c, ok := r.instance.provider.(providers.Checker); ok {
		if err := c.CheckNewKey(attrs, data); err != nil {
			return err
		}
	}
	return r.instance.create(ctx, r.owner(), r.key, attrs, produce)
}

// create makes a key under a name: the name is reserved, the provider makes the key
// durable, then the entry is committed. A crash in between leaves a provider key that
// nothing maps to, which `parsecctl doctor` reports, and the name free.
func (i *instance) create(
	ctx context.Context, owner kim.Owner, key psa.KeyName, attrs psa.Attributes, produce func() (providers.KeyID, error),
) error {
	name, err := i.store.Reserve(owner, key, i.ref)
	if err != nil {
		return err
	}
	defer name.Release()
	id, err := produce()
	if err != nil {
		return err
	}
	err = name.Commit(ctx, id, attrs)
	if err == nil {
		return nil
	}
	if d, ok := i.provider.(providers.Destroyer); ok {
		// What cannot be removed either is an orphan, which doctor finds.
		err = errors.Join(err, d.DestroyKey(context.WithoutCancel(ctx), providers.Key{ID: id, Attributes: attrs}))
	}
	return err
}

// current refuses new keys of deprecated kinds, unless the configuration allows them.
func (r *request) current(attrs psa.Attributes) error {
	if !attrs.Deprecated() || r.backend.config.Core.AllowDeprecated {
		return nil
	}
	return &wire.Error{
		Status: wire.StatusDeprecatedPrimitive, Reason: fmt.Sprintf("%s with %s is deprecated", attrs.Type, attrs.Alg),
		Remedy: "choose a current algorithm, or set allow_deprecated = true in [core_settings]",
	}
}

func decodeGenerateKey(r *request) (action, error) {
	m := &psapb.GenerateKey{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	attrs, err := r.attributes(m.GetAttributes())
	return func(ctx context.Context, r *request) ([]byte, error) {
		p, ok := r.instance.provider.(providers.Generator)
		if !ok {
			return nil, r.instance.lacks(r.Opcode)
		}
		if err := r.current(attrs); err != nil {
			return nil, about(quoteKey(r.key), err)
		}
		return nil, about(quoteKey(r.key), r.create(ctx, attrs, nil, func() (providers.KeyID, error) {
			if l, ok := r.instance.provider.(providers.Labeller); ok {
				return l.GenerateLabelled(ctx, attrs, string(r.key))
			}
			return p.GenerateKey(ctx, attrs)
		}))
	}, err
}

func decodeImportKey(r *request) (action, error) {
	m := &psapb.ImportKey{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	attrs, err := r.attributes(m.GetAttributes())
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetData())
		p, ok := r.instance.provider.(providers.Importer)
		if !ok {
			return nil, r.instance.lacks(r.Opcode)
		}
		if attrs.Deprecated() {
			r.conn.service.log.LogAttrs(ctx, slog.LevelWarn, "deprecated_key_imported", slog.String("type", attrs.Type.String()),
				slog.String("algorithm", attrs.Alg.String()))
		}
		if sized, ok := p.(providers.Measurer); ok && attrs.Bits == 0 {
			attrs.Bits = sized.Measure(attrs, m.GetData())
		}
		data := m.GetData()
		if data == nil {
			data = []byte{} // nil would be generating
		}
		return nil, about(quoteKey(r.key), r.create(ctx, attrs, data, func() (providers.KeyID, error) {
			if l, ok := r.instance.provider.(providers.Labeller); ok {
				return l.ImportLabelled(ctx, attrs, data, string(r.key))
			}
			return p.ImportKey(ctx, attrs, data)
		}))
	}, err
}

// keyRef decodes a request that holds nothing but a key name.
func (r *request) keyRef() error {
	m := &psapb.KeyRef{}
	err := psa.Unmarshal(r.Body, m)
	r.about(m.GetKeyName())
	return err
}

func decodeDestroyKey(r *request) (action, error) {
	return func(ctx context.Context, r *request) ([]byte, error) {
		if _, ok := r.instance.provider.(providers.Destroyer); !ok {
			return nil, r.instance.lacks(r.Opcode)
		}
		inst, entry, err := r.find(r.key)
		if err != nil {
			return nil, err
		}
		if entry.Adopted && r.ext.GetDestroy() {
			body, err := r.remove(ctx, inst, entry)
			return body, about(quoteKey(r.key), err)
		}
		return nil, about(quoteKey(r.key), inst.destroy(ctx, entry))
	}, r.keyRef()
}

// destroy removes the entry and then the key: a crash in between leaves a key without a
// name, never a name without a key. An adopted key stays in its device.
func (i *instance) destroy(ctx context.Context, entry kim.Entry) error {
	if entry.Adopted {
		return i.store.Delete(ctx, entry)
	}
	d, ok := i.provider.(providers.Destroyer)
	if !ok {
		return wire.StatusNotSupported
	}
	if err := i.reachable(ctx); err != nil {
		return err
	}
	if err := i.store.Delete(ctx, entry); err != nil {
		return err
	}
	return d.DestroyKey(ctx, providers.Key{ID: entry.KeyID, Attributes: entry.Attributes})
}

func decodeExportPublicKey(r *request) (action, error) {
	return withKey(func(ctx context.Context, p providers.PublicExporter, k providers.Key) ([]byte, error) {
		return output(p.ExportPublicKey(ctx, k))
	}), r.keyRef()
}

func decodeExportKey(r *request) (action, error) {
	return withKey(func(ctx context.Context, p providers.Exporter, k providers.Key) ([]byte, error) {
		// A public key may always leave.
		if !k.Attributes.Type.Public() && !k.Attributes.Usage.Has(psa.UsageExport) {
			return nil, wire.Errorf(wire.StatusNotPermitted, "the key's usage flags do not include export")
		}
		return output(p.ExportKey(ctx, k))
	}), r.keyRef()
}
