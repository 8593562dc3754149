package pkcs11

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// inventory is what lies on a token.
type inventory struct {
	keys                  []*object // private and secret keys
	publics, certificates []*object
	more                  bool
}

// takeInventory reads the token. Nothing there changes.
func (p *Provider) takeInventory(ctx context.Context) (*inventory, error) {
	inv := &inventory{}
	for _, part := range []struct {
		class uint64
		list  *[]*object
	}{
		{ck.ClassPrivateKey, &inv.keys}, {ck.ClassSecretKey, &inv.keys}, {ck.ClassPublicKey, &inv.publics}, {ck.ClassCertificate, &inv.certificates},
	} {
		found, more, err := p.objects(ctx, part.class)
		if err != nil {
			return nil, err
		}
		*part.list = append(*part.list, found...)
		inv.more = inv.more || more
	}
	for _, o := range inv.keys {
		if err := p.complete(ctx, inv, o); err != nil {
			return nil, err
		}
	}
	return inv, nil
}

// complete finds the public half of a private key that does not show it, and says what else
// keeps a key from being adopted.
func (p *Provider) complete(ctx context.Context, inv *inventory, o *object) error {
	if o.class == ck.ClassPrivateKey && o.public == nil && o.problem == "" {
		o.know(halfOf(o, inv.publics))
	}
	if o.class == ck.ClassPrivateKey && o.public == nil && o.problem == "" && slices.ContainsFunc(inv.certificates, o.belongs) {
		der, err := p.certificate(ctx, o.beside(), nil)
		if err != nil {
			return err
		}
		o.know(certified(der))
	}
	switch {
	case o.problem != "":
	case len(o.id) > maxAdoptedText || len(o.label) > maxAdoptedText:
		o.problem = "its CKA_ID or CKA_LABEL is too long"
	case o.parts(inv) == nil:
		o.problem = "nothing tells it from other objects: it needs a CKA_ID or CKA_LABEL of its own"
	case o.class == ck.ClassPrivateKey && o.public == nil:
		o.problem = "neither it nor one public key or certificate with its CKA_ID shows its public half; " +
			"write one beside it, such as with pkcs11-tool --write-object FILE --type pubkey --id ID"
	}
	return nil
}

// parts returns how the object is named among its like: by CKA_ID, with CKA_LABEL where others
// share the id, or by label alone where it has no id; nil when that does not suffice.
func (o *object) parts(inv *inventory) *adopted {
	a := &adopted{class: o.class, id: o.id}
	if len(o.id) == 0 {
		a.id, a.label = nil, o.label
	}
	if a.id == nil && len(a.label) == 0 {
		return nil
	}
	same := func() (n int) {
		for _, other := range inv.keys {
			if a.refersTo(other) {
				n++
			}
		}
		return n
	}
	if same() > 1 {
		a.label = o.label
	}
	if same() > 1 {
		return nil
	}
	return a
}

// locate returns the shortest locator of an object.
func (o *object) locate(inv *inventory) locator {
	a := o.parts(inv)
	if a == nil {
		a = &adopted{class: o.class, id: o.id, label: o.label}
	}
	l := a.locator()
	l.class = 0
	if n := len(inv.matching(l)); n > 1 {
		l.class = o.class
	}
	return l
}

// matching returns the keys that a locator fits.
func (inv *inventory) matching(l locator) (found []*object) {
	for _, o := range inv.keys {
		if l.matches(o) {
			found = append(found, o)
		}
	}
	return found
}

// alone reports whether no key is beside a public key or certificate.
func (inv *inventory) alone(o *object) bool {
	return !slices.ContainsFunc(inv.keys, func(k *object) bool { return o.belongs(k) })
}

// named reports whether one of the known ids refers to the object, or to the key beside it.
func (c *connection) named(known []reference, o *object) bool {
	return slices.ContainsFunc(known, func(r reference) bool {
		switch {
		case r.adopted == nil:
			return bytes.Equal(r.number.cka(c.profile), o.id) //nolint:forbidigo // no secrets
		case o.class == ck.ClassPublicKey || o.class == ck.ClassCertificate:
			return r.adopted.id != nil && bytes.Equal(r.adopted.id, o.id) //nolint:forbidigo // no secrets
		default:
			return r.adopted.refersTo(o)
		}
	})
}

// references decodes the ids that can be decoded.
func references(known []providers.KeyID) (all []reference) {
	for _, b := range known {
		if r, err := parseReference(b); err == nil {
			all = append(all, r)
		}
	}
	return all
}

// describeAlone says why what is no key of its own is not adopted.
func (o *object) describeAlone() string {
	if o.class == ck.ClassCertificate {
		return "it is a certificate, and its key is not on the token"
	}
	return "it is a public key alone; export it with pkcs11-tool and import it: parsecctl key import NAME FILE"
}

func (o *object) String() string {
	return fmt.Sprintf("%s %s", o.kindName(), locator{id: o.id, label: o.label})
}
