package pkcs11

import (
	"bytes"
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// maxCertificates bounds the certificates of one list, in bytes.
const maxCertificates = 256 << 10

// Unnamed lists keys and certificates that none of the known ids refers to. Without a PIN that
// is only what the token shows without a login.
func (p *Provider) Unnamed(ctx context.Context, known []providers.KeyID) ([]providers.Found, bool, error) {
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, false, err
	}
	inv, err := p.takeInventory(ctx)
	if err != nil {
		return nil, false, err
	}
	refs := references(known)
	var found []providers.Found
	room := maxCertificates
	for _, o := range inv.keys {
		if c.named(refs, o) {
			continue
		}
		f := o.found(c, inv)
		if room > 0 {
			if f.Certificate, err = p.certificate(ctx, o.beside(), o.public); err != nil {
				return nil, false, err
			}
			room -= len(f.Certificate)
		}
		found = append(found, f)
	}
	for _, o := range append(inv.publics, inv.certificates...) {
		if !inv.alone(o) || c.named(refs, o) {
			continue
		}
		f := o.foundAlone()
		if o.class == ck.ClassCertificate && room > 0 {
			if f.Certificate, err = p.certificate(ctx, o.beside(), o.public); err != nil {
				return nil, false, err
			}
			room -= len(f.Certificate)
		}
		found = append(found, f)
	}
	return found[:min(len(found), providers.MaxFound)], inv.more || len(found) > providers.MaxFound, nil
}

// found describes a key.
func (o *object) found(c *connection, inv *inventory) providers.Found {
	f := providers.Found{Locator: o.locate(inv).String(), Kind: o.kindName(), Label: string(o.label), Problem: o.problem}
	if o.ask {
		f.Authentication = "the PIN for each use (CKA_ALWAYS_AUTHENTICATE)"
	}
	if o.problem != "" {
		return f
	}
	a, err := o.policy(c, 0, psa.Algorithm{})
	if err != nil {
		f.Problem = err.Error()
		return f
	}
	f.Attributes = a
	return f
}

// foundAlone describes a public key or certificate without its key.
func (o *object) foundAlone() providers.Found {
	l := locator{id: o.id, label: o.label, class: o.class}
	return providers.Found{Locator: l.String(), Kind: o.kindName(), Label: string(o.label), Problem: o.describeAlone()}
}

// AdoptKey returns the id of a key that lies on the token. The token is read only.
func (p *Provider) AdoptKey(ctx context.Context, want providers.Adoption) (providers.KeyID, psa.Attributes, error) {
	var none psa.Attributes
	l, err := parseLocator(want.Locator)
	if err != nil {
		return nil, none, err
	}
	if len(want.Content) > 0 || len(want.Auth) > 0 {
		return nil, none, wire.Errorf(wire.StatusInvalidArgument, "an object of a token is adopted without a file and without an authorisation value")
	}
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, none, err
	}
	inv, err := p.takeInventory(ctx)
	if err != nil {
		return nil, none, err
	}
	o, err := c.choose(inv, l, want.Known)
	if err != nil {
		return nil, none, err
	}
	attrs, err := o.policy(c, want.Usage, want.Algorithm)
	if err != nil {
		return nil, none, about(o, err)
	}
	a := o.parts(inv)
	a.serial = serialOf(c.slot)
	a.serial = a.serial[:min(len(a.serial), maxAdoptedSerial)]
	if o.public != nil {
		if a.public, err = o.public.export(); err != nil {
			return nil, none, err
		}
	}
	return a.encode(), attrs, nil
}

// choose returns the one key that a locator names and that can be adopted.
func (c *connection) choose(inv *inventory, l locator, known []providers.KeyID) (*object, error) {
	found := inv.matching(l)
	e := &wire.Error{Object: l.String(), Remedy: "parsecctl key list --unnamed"}
	switch {
	case len(found) == 0:
		e.Status, e.Reason = wire.StatusDoesNotExist, c.describe()+" has no such key"
		for _, o := range append(inv.publics, inv.certificates...) {
			if l.matches(o) {
				e.Status, e.Reason = wire.StatusNotSupported, o.describeAlone()
			}
		}
	case len(found) > 1:
		e.Status, e.Reason = wire.StatusInvalidArgument, fmt.Sprintf("%d keys of the token are meant: say more of id, label and type", len(found))
	case c.named(references(known), found[0]):
		e.Status, e.Reason, e.Remedy = wire.StatusAlreadyExists, "it has a name already", "parsecctl key list --all"
	case found[0].problem != "":
		e.Status, e.Reason = wire.StatusNotSupported, found[0].problem
	default:
		return found[0], nil
	}
	return nil, e
}

// about names the object in an error that is about it.
func about(o *object, err error) error {
	return &wire.Error{Status: wire.StatusOf(err), Object: o.String(), Reason: err.Error(), Remedy: "parsecctl key list --unnamed", Err: err}
}

// Locate returns the locator of an adopted key, empty for others.
func (p *Provider) Locate(key providers.Key) string {
	r, err := parseReference(key.ID)
	if err != nil || r.adopted == nil {
		return ""
	}
	return r.adopted.locator().String()
}

// Certificate returns the certificate that has the key's CKA_ID, or its CKA_LABEL where the
// key has no id.
func (p *Provider) Certificate(ctx context.Context, key providers.Key) ([]byte, error) {
	r, err := parseReference(key.ID)
	if err != nil {
		return nil, err
	}
	c, err := p.link.connect(ctx)
	if err != nil {
		return nil, err
	}
	if r.adopted == nil {
		return p.certificate(ctx, frame.Bytes(ck.AttrID, r.number.cka(c.profile)), nil)
	}
	k, err := r.adopted.publicKey(key.Attributes)
	if err != nil {
		return nil, err
	}
	return p.certificate(ctx, r.adopted.beside(), k)
}

// beside is the attribute that what belongs to the object has too.
func (a *adopted) beside() frame.Attribute {
	return (&object{id: a.id, label: a.label}).beside()
}

// Remove removes an adopted key, and its public half, from the token; a certificate stays.
// Nothing is removed unless the key is the one that was adopted.
func (p *Provider) Remove(ctx context.Context, key providers.Key) ([]string, error) {
	r, err := parseReference(key.ID)
	if err != nil {
		return nil, err
	}
	if r.adopted == nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key was not adopted")
	}
	c, err := p.link.connect(ctx)
	if err == nil {
		err = p.compare(ctx, c, r.adopted)
	}
	if err != nil {
		return nil, err
	}
	halves, _, err := p.objects(ctx, ck.ClassPublicKey, r.adopted.beside())
	if err != nil {
		return nil, err
	}
	c.forget(key.ID)
	if err := p.destroyObject(ctx, r.adopted.selector(r.adopted.class)); err != nil {
		return nil, err
	}
	removed := []string{(&object{class: r.adopted.class, id: r.adopted.id, label: r.adopted.label}).String()}
	for _, h := range halves {
		if !r.adopted.half(h) || !h.unlike(halves) {
			continue // another key's, or not to be told from another's
		}
		if err := p.destroyObject(ctx, (&adopted{id: h.id, label: h.label}).selector(ck.ClassPublicKey)); err != nil {
			return removed, err
		}
		removed = append(removed, h.String())
	}
	return removed, nil
}

// unlike reports whether all others have another CKA_ID or CKA_LABEL, or the same key.
func (o *object) unlike(all []*object) bool {
	for _, other := range all {
		same := bytes.Equal(o.id, other.id) && bytes.Equal(o.label, other.label) //nolint:forbidigo // no secrets
		if same && (other.public == nil || !other.public.equal(o.public)) {
			return false
		}
	}
	return true
}

// half reports whether an object shows the key's public half.
func (a *adopted) half(o *object) bool {
	if o.public == nil {
		return false
	}
	b, err := o.public.export()
	return err == nil && bytes.Equal(b, a.public) //nolint:forbidigo // public
}

func (p *Provider) destroyObject(ctx context.Context, selector []frame.Attribute) error {
	_, err := p.link.do(ctx, &frame.Request{Op: frame.OpDestroy, Count: 1, Object: selector}, once)
	return err
}
