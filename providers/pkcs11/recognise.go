package pkcs11

import (
	"context"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// recognise makes sure, once for each connection, that the object of an adopted key is on the
// token and is the key that was adopted.
func (p *Provider) recognise(ctx context.Context, c *connection, a *adopted, key providers.Key) error {
	if c.recognised(key.ID) {
		return nil
	}
	if err := p.compare(ctx, c, a); err != nil {
		return err
	}
	c.remember(key.ID)
	return nil
}

// compare looks at the object of an adopted key. A key pair is known by its public half, where
// the token shows it; else, as a secret key, by the token's serial number.
func (p *Provider) compare(ctx context.Context, c *connection, a *adopted) error {
	found, _, err := p.objects(ctx, a.class, a.selector(a.class)[1:]...)
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return c.missing(reference{adopted: a})
	case len(found) > 1:
		return wire.Errorf(wire.StatusDataInvalid, "%s has %d keys with %s; the adopted one cannot be told from the others",
			c.describe(), len(found), a.locator())
	}
	o := found[0]
	if a.class == ck.ClassPrivateKey && o.public == nil {
		if err := p.searchHalf(ctx, o); err != nil {
			return err
		}
	}
	same := serialOf(c.slot) == a.serial
	if o.public != nil {
		same = a.half(o)
	}
	if same {
		return nil
	}
	return &wire.Error{
		Status: wire.StatusDoesNotExist, Reason: fmt.Sprintf("%s has another key with %s than the adopted one", c.describe(), a.locator()),
		Remedy: "insert the token that has it, or adopt the key of this one: parsecctl key adopt",
	}
}

// searchHalf looks for a public half beside a private key.
func (p *Provider) searchHalf(ctx context.Context, o *object) error {
	halves, _, err := p.objects(ctx, ck.ClassPublicKey, o.beside())
	if err != nil {
		return err
	}
	if o.know(halfOf(o, halves)); o.public != nil {
		return nil
	}
	der, err := p.certificate(ctx, o.beside(), nil)
	o.know(certified(der))
	return err
}

func (c *connection) recognised(id providers.KeyID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[string(id)]
}

// maxRecognised bounds the memory for keys that were recognised; more are looked at again.
const maxRecognised = 1024

func (c *connection) remember(id providers.KeyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxRecognised {
		c.known = map[string]bool{}
	}
	c.known[string(id)] = true
}

func (c *connection) forget(id providers.KeyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, string(id))
}
