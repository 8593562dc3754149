package providertest

import (
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Providers whose keys lie there before: they are used, and neither made nor removed.

// key returns a key of a kind: one that is made, or one that is there.
func (c Config) key(t *testing.T, p providers.Provider, attrs psa.Attributes) providers.Key {
	t.Helper()
	if c.Provision != nil {
		return c.Provision(t, p, attrs)
	}
	return Generate(t, p, attrs)
}

// possible returns what the provider says of keys of a kind.
func (c Config) possible(p providers.Provider, attrs psa.Attributes) error {
	if a, ok := p.(providers.Advisor); ok && c.Provision != nil {
		return a.CanDo(providers.Capability{Check: psa.CheckUse, Attributes: attrs})
	}
	return canGenerate(p, attrs)
}

// testPermanent checks that a provider which makes no keys says so, and that the key is
// there and of use afterwards.
func testPermanent(t *testing.T, p providers.Provider, key providers.Key) {
	t.Helper()
	u := user{t: t, p: p, key: key, name: Name(key.Attributes)}
	if _, ok := p.(providers.Advisor); ok {
		u.status("ask for generation", canGenerate(p, key.Attributes), wire.StatusNotSupported)
		u.status("ask for import", canImport(p, key.Attributes), wire.StatusNotSupported)
	}
	if g, ok := p.(providers.Generator); ok {
		_, err := g.GenerateKey(t.Context(), key.Attributes)
		u.status("generate", err, wire.StatusNotSupported)
	}
	if d, ok := p.(providers.Destroyer); ok {
		u.status("destroy", d.DestroyKey(t.Context(), key), wire.StatusNotSupported)
	}
	Exercise(t, p, key)
}

// testUse lets several callers use the same key.
func testUse(t *testing.T, p providers.Provider, key providers.Key) {
	t.Helper()
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 8 {
				Exercise(t, p, key)
			}
		})
	}
	callers.Wait()
}
