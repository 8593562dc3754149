package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// adopters returns the instances that can adopt keys: those of a name or a kind, where one is
// said.
func (b *backend) adopters(name string, id uint32) ([]*instance, error) {
	var found []*instance
	for _, inst := range b.instances {
		_, can := inst.provider.(providers.Adopter)
		switch {
		case name != "" && inst.ref.Name == name && !can:
			return nil, inst.lacks(agent.OpAdopt)
		case can && (name == "" || inst.ref.Name == name) && (id == 0 || uint32(inst.ref.ID) == id):
			found = append(found, inst)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	e := &wire.Error{Status: wire.StatusProviderNotRegistered, Reason: "no provider that could hold keys of others is configured", Remedy: "parsecctl provider list"}
	if name != "" {
		e.Reason = fmt.Sprintf("no such provider is named %q", name)
	}
	return nil, e
}

// known returns the ids of all keys that could be an object of the instance's device: those of
// all instances of the kind, which may have the same device.
func (b *backend) known(inst *instance) []providers.KeyID {
	var ids []providers.KeyID
	for _, st := range b.stores {
		for _, e := range st.All() {
			if e.Provider.UUID == inst.ref.UUID {
				ids = append(ids, e.KeyID)
			}
		}
	}
	return ids
}

// decodeListUnnamed lists what lies in devices without a name. An instance that cannot be
// looked at does not hide the others.
func decodeListUnnamed(r *request) (action, error) {
	m := &agentpb.ListUnnamed{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		instances, err := r.backend.adopters(m.GetProviderName(), m.GetProviderId())
		if err != nil {
			return nil, err
		}
		out := &agentpb.ListUnnamedResult{}
		for _, inst := range instances {
			if err := r.backend.unnamed(ctx, inst, out); err != nil && len(instances) == 1 {
				return nil, err
			} else if err != nil {
				f := &agentpb.ListUnnamedResult_Failure{ProviderName: inst.ref.Name, Reason: err.Error()}
				if e, ok := errors.AsType[*wire.Error](err); ok {
					f.Remedy = e.Remedy
				}
				out.Failures = append(out.Failures, f)
			}
		}
		return psa.Marshal(out)
	}, nil
}

func (b *backend) unnamed(ctx context.Context, inst *instance, out *agentpb.ListUnnamedResult) error {
	p, _ := inst.provider.(providers.Adopter)
	found, more, err := p.Unnamed(ctx, b.known(inst))
	if err != nil {
		return err
	}
	for _, f := range found {
		o := &agentpb.ListUnnamedResult_Object{
			ProviderId: uint32(inst.ref.ID), ProviderName: inst.ref.Name, Locator: f.Locator, Kind: f.Kind, Label: text(f.Label),
			Problem: text(f.Problem), Authentication: f.Authentication, Certificate: f.Certificate,
		}
		if f.Problem == "" {
			o.Attributes = agent.EncodeAttributes(f.Attributes)
		}
		out.Objects = append(out.Objects, o)
	}
	if more {
		out.Failures = append(out.Failures, &agentpb.ListUnnamedResult_Failure{
			ProviderName: inst.ref.Name, Reason: "the device has more objects than are listed", More: true,
		})
	}
	return nil
}

// decodeAdopt gives a name to what lies in a device. The device is only read.
func decodeAdopt(r *request) (action, error) {
	m := &agentpb.Adopt{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	r.about(m.GetKeyName())
	alg, err := agent.DecodeAlgorithm(m.GetAlgorithm())
	if err == nil && m.GetUsage() > uint32(psa.UsageAll) {
		err = wire.Errorf(wire.StatusInvalidEncoding, "usage flags 0x%x are not assigned", m.GetUsage())
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		defer clear(m.GetAuth())
		inst, owner, err := r.adopting(m)
		if err != nil {
			return nil, err
		}
		key, err := r.adopt(ctx, inst, owner, providers.Adoption{
			Locator: m.GetLocator(), Usage: psa.Usage(m.GetUsage()), Algorithm: alg, Content: m.GetContent(), Auth: m.GetAuth(), //nolint:gosec // compared above
		})
		if err != nil {
			return nil, about(quoteKey(r.key), err)
		}
		out := &agentpb.AdoptResult{
			ProviderId: uint32(inst.ref.ID), ProviderName: inst.ref.Name, Locator: inst.locate(key),
			Attributes: agent.EncodeAttributes(key.Attributes), Certificate: r.certificate(ctx, inst, key),
		}
		r.conn.service.log.LogAttrs(ctx, slog.LevelInfo, "key_adopted", slog.String("provider", inst.ref.Name),
			slog.String("locator", out.GetLocator()), slog.String("application", owner.App))
		return psa.Marshal(out)
	}, err
}

// adopting finds out where the key is and whose it becomes.
func (r *request) adopting(m *agentpb.Adopt) (*instance, kim.Owner, error) {
	owner := r.owner()
	instances, err := r.backend.adopters(m.GetProviderName(), m.GetProviderId())
	if err != nil {
		return nil, owner, err
	}
	if len(instances) > 1 {
		return nil, owner, &wire.Error{
			Status: wire.StatusInvalidArgument, Reason: fmt.Sprintf("%d providers could have the key", len(instances)), Remedy: "say which: --provider NAME",
		}
	}
	if app := m.GetApplication(); app != "" {
		if _, err := strconv.ParseUint(app, 10, 32); owner.Auth == wire.AuthUnixPeer && err != nil {
			return nil, owner, wire.Errorf(wire.StatusInvalidArgument, "an application of this authenticator is the number of a user, not %q", text(app))
		}
		owner.App = app
	}
	return instances[0], owner, nil
}

// adopt reserves the name, lets the provider look at the key, and commits the entry. Two
// adoptions from one device do not overlap: each sees what the other took.
func (r *request) adopt(ctx context.Context, inst *instance, owner kim.Owner, want providers.Adoption) (providers.Key, error) {
	done, err := r.conn.service.adoptions.begin(ctx, inst.ref.UUID)
	if err != nil {
		return providers.Key{}, err
	}
	defer done()
	name, err := inst.store.Reserve(owner, r.key, inst.ref)
	if err != nil {
		return providers.Key{}, err
	}
	defer name.Release()
	want.Known = r.backend.known(inst)
	p, _ := inst.provider.(providers.Adopter)
	id, attrs, err := p.AdoptKey(ctx, want)
	if err == nil {
		err = r.current(attrs)
	}
	if err == nil {
		err = name.Adopt(ctx, id, attrs)
	}
	return providers.Key{ID: id, Attributes: attrs}, err
}

// certificate returns the certificate beside a key, nothing where there is none: it is no part
// of what was asked, so that its errors are no failure.
func (r *request) certificate(ctx context.Context, inst *instance, key providers.Key) []byte {
	p, ok := inst.provider.(providers.CertificateReader)
	if !ok {
		return nil
	}
	der, err := p.Certificate(ctx, key)
	if err != nil {
		r.conn.service.log.LogAttrs(ctx, slog.LevelWarn, "certificate_not_read", slog.String("provider", inst.ref.Name), slog.Any("error", err))
	}
	return der
}

// locate says where an adopted key is, nothing of other keys.
func (i *instance) locate(key providers.Key) string {
	if p, ok := i.provider.(providers.Adopter); ok {
		return p.Locate(key)
	}
	return ""
}

// remove removes an adopted key from its device, and then its name: a device that is away, or
// refuses, changes nothing.
func (r *request) remove(ctx context.Context, inst *instance, entry kim.Entry) ([]byte, error) {
	p, ok := inst.provider.(providers.Adopter)
	switch {
	case !ok:
		return nil, inst.lacks(agent.OpAdopt)
	case !r.who.Admin:
		return nil, &wire.Error{
			Status: wire.StatusAdminOperation, Reason: "only administrators remove what others put into a device",
			Remedy: "parsecctl key delete NAME, which removes the name only",
		}
	}
	removed, err := p.Remove(ctx, providers.Key{ID: entry.KeyID, Attributes: entry.Attributes})
	if err != nil {
		return nil, err
	}
	r.conn.service.log.LogAttrs(ctx, slog.LevelInfo, "adopted_key_removed", slog.String("provider", inst.ref.Name), slog.Any("objects", removed))
	if err := inst.store.Delete(context.WithoutCancel(ctx), entry); err != nil {
		return nil, err
	}
	return psa.Marshal(&agentpb.Extension{Removed: removed})
}

// turns lets one at a time work on the same thing.
type turns struct {
	mu   sync.Mutex // guards the field below
	busy map[string]chan struct{}
}

// begin waits until nobody else works on the thing, or ctx ends. done ends the work.
func (t *turns) begin(ctx context.Context, thing string) (done func(), err error) {
	t.mu.Lock()
	if t.busy == nil {
		t.busy = map[string]chan struct{}{}
	}
	turn, ok := t.busy[thing]
	if !ok {
		turn = make(chan struct{}, 1)
		t.busy[thing] = turn
	}
	t.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
