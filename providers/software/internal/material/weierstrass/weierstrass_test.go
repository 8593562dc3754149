package weierstrass

import (
	"crypto/sha256"
	"testing"
)

var all = map[string]func() *Curve{
	"secp192k1": Secp192k1, "secp192r1": Secp192r1, "secp224r1": Secp224r1, "secp256k1": Secp256k1,
	"brainpoolP256r1": BrainpoolP256r1, "brainpoolP384r1": BrainpoolP384r1, "brainpoolP512r1": BrainpoolP512r1,
}

func each(t *testing.T, f func(t *testing.T, c *Curve)) {
	t.Helper()
	for name, c := range all {
		t.Run(name, func(t *testing.T) { t.Parallel(); f(t, c()) })
	}
}

func TestRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		k, err := c.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.Sum256([]byte("x"))
		sig, err := k.Sign(h[:])
		if err != nil {
			t.Fatal(err)
		}
		if !k.Public().Verify(h[:], sig) {
			t.Fatal("refused")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	for name, c := range all {
		b.Run(name, func(b *testing.B) {
			k, err := c().GenerateKey()
			if err != nil {
				b.Fatal(err)
			}
			h := sha256.Sum256([]byte("x"))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(h[:]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
