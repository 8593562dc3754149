package cardtest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"
	"time"
)

// Put makes a key in a slot and stores a certificate of it, signed with the key, whose key
// usage tells libraries what the key is for. It returns the certificate.
func (c *Card) Put(tb testing.TB, slot Slot, a Algorithm, usage x509.KeyUsage) *x509.Certificate {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	certificate, err := c.put(slot, a, usage)
	if err != nil {
		tb.Fatalf("slot %s: %v", slot.name(), err)
	}
	return certificate
}

// Certificate returns what lies in the certificate object of a slot, nil if nothing does.
func (c *Card) Certificate(slot Slot) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.certificateOf(slot)
}

// Public returns the public half of a key, which must be there.
func (c *Card) Public(tb testing.TB, slot Slot) crypto.PublicKey {
	tb.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.keys[slot]
	if k == nil {
		tb.Fatalf("slot %s has no key", slot.name())
	}
	return k.publicKey()
}

// Objects returns a digest of all data objects and public keys of the card, by which a test
// sees that nothing changed.
func (c *Card) Objects() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := sha256.New()
	for _, tag := range slices.Sorted(maps.Keys(c.objects)) {
		h.Write(appendItem(nil, tag, c.objects[tag]))
	}
	for _, slot := range slices.Sorted(maps.Keys(c.keys)) {
		h.Write(append([]byte{byte(slot)}, c.keys[slot].public()...))
	}
	return h.Sum(nil)
}

// put makes a key and its certificate. c.mu is held, or nobody else has c yet.
func (c *Card) put(slot Slot, a Algorithm, usage x509.KeyUsage) (*x509.Certificate, error) {
	k, err := newKey(a, slot.policy())
	if err != nil {
		return nil, err
	}
	c.keys[slot] = k
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(slot)), Subject: pkix.Name{CommonName: "slot " + slot.name()}, KeyUsage: usage,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(lifetime), BasicConstraintsValid: true, IsCA: usage&x509.KeyUsageCertSign != 0,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.publicKey(), k.private())
	if err != nil {
		return nil, err
	}
	const certificate, info, check = 0x70, 0x71, 0xfe
	c.objects[slot.certificate()] = wrap(0x53, item{certificate, der}, item{info, []byte{0}}, item{check, nil})
	c.writeHistory()
	return x509.ParseCertificate(der)
}

func (c *Card) certificateOf(slot Slot) []byte {
	outer, _ := parse(c.objects[slot.certificate()]) // what is not well formed has no certificate
	content, _ := find(outer, 0x53)
	inner, _ := parse(content)
	der, _ := find(inner, 0x70)
	return der
}

func (s Slot) name() string { return fmt.Sprintf("%02x", byte(s)) }

func (k *key) private() crypto.Signer {
	if k.rsa != nil {
		return k.rsa
	}
	return k.ec
}

func (k *key) publicKey() crypto.PublicKey { return k.private().Public() }
