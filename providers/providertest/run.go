package providertest

import (
	"slices"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Config says what is tested.
type Config struct {
	// New opens the provider over storage of its own and closes it when the test ends.
	New func(t *testing.T) providers.Provider
	// Reopen closes a provider of New and opens its storage again; nil when the provider
	// keeps nothing.
	Reopen func(t *testing.T, p providers.Provider) providers.Provider
	// RandomBytes is how many random bytes are drawn at once, 0 for 300,000: tokens can be
	// slow.
	RandomBytes int
	// Provision returns a key of the kind that lies in the storage of p, for a provider that
	// makes no keys; nil for one that does. It is asked for every kind but the gaps.
	Provision func(t *testing.T, p providers.Provider, attrs psa.Attributes) providers.Key
	// Gaps are the kinds of key, as Name names them, that the provider does not generate, or
	// does not use where it does not generate.
	Gaps []string
}

// Run runs the suite.
func Run(t *testing.T, c Config) {
	t.Run("info", func(t *testing.T) { testInfo(t, c.New(t)) })
	t.Run("kinds", func(t *testing.T) { testKinds(t, c) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, c) })
	t.Run("hash", func(t *testing.T) { testHash(t, c.New(t)) })
	t.Run("random", func(t *testing.T) { testRandom(t, c) })
	t.Run("concurrency", func(t *testing.T) { testConcurrency(t, c) })
	t.Run("persistence", func(t *testing.T) { testPersistence(t, c) })
	t.Run("archive", func(t *testing.T) { testArchive(t, c.New(t)) })
	t.Run("protection", func(t *testing.T) { testProtection(t, c) })
}

func testInfo(t *testing.T, p providers.Provider) {
	info := p.Info()
	if !info.ID.Known() || len(info.UUID) != 36 || info.Name == "" || info.Description == "" {
		t.Errorf("incomplete: %+v", info)
	}
	ops := providers.Opcodes(p)
	if !slices.IsSorted(ops) || len(slices.Compact(slices.Clone(ops))) != len(ops) || len(ops) == 0 {
		t.Errorf("opcodes %v", ops)
	}
	if slices.ContainsFunc(providers.Original(p), func(op wire.Opcode) bool { return !op.Original() }) {
		t.Errorf("the original's clients would see %v", providers.Original(p))
	}
}

// testKinds makes, uses and destroys, or finds and uses, a key of every kind that the provider says it can.
func testKinds(t *testing.T, c Config) {
	p := c.New(t)
	gaps := slices.Clone(c.Gaps)
	for _, attrs := range kinds() {
		name := Name(attrs)
		t.Run(name, func(t *testing.T) {
			err := c.possible(p, attrs)
			if i := slices.Index(gaps, name); i >= 0 {
				gaps = slices.Delete(gaps, i, i+1)
				if wire.StatusOf(err) != wire.StatusNotSupported {
					t.Errorf("declared as a gap, and CanDo says %v", err)
				}
				if _, err := generator(t, p).GenerateKey(t.Context(), attrs); err == nil {
					t.Error("declared as a gap, and generated")
				}
				return
			}
			if err != nil {
				t.Fatalf("not declared as a gap, and CanDo says %v", err)
			}
			testKind(t, c, p, attrs)
		})
	}
	if len(gaps) > 0 {
		t.Errorf("no kind has the names %q", gaps)
	}
}

func canGenerate(p providers.Provider, attrs psa.Attributes) error {
	if a, ok := p.(providers.Advisor); ok {
		return a.CanDo(providers.Capability{Check: psa.CheckGenerate, Attributes: attrs})
	}
	return nil
}

func testKind(t *testing.T, c Config, p providers.Provider, attrs psa.Attributes) {
	key := c.key(t, p, attrs)
	Exercise(t, p, key)
	if c.Provision != nil {
		testPermanent(t, p, key)
		return
	}
	testImport(t, p, key)
	testImportPublic(t, p, key)
	testDestroy(t, p, key)
}

// Generate makes a key or fails the test.
func Generate(t testing.TB, p providers.Provider, attrs psa.Attributes) providers.Key {
	t.Helper()
	id, err := generator(t, p).GenerateKey(t.Context(), attrs)
	if err != nil {
		t.Fatalf("generate %s: %v", Name(attrs), err)
	}
	return providers.Key{ID: id, Attributes: attrs}
}

func generator(t testing.TB, p providers.Provider) providers.Generator {
	t.Helper()
	g, ok := p.(providers.Generator)
	if !ok {
		t.Fatalf("%T does not generate keys", p)
	}
	return g
}

// simplest returns a kind that every provider has.
func (c Config) simplest(t *testing.T, p providers.Provider) psa.Attributes {
	t.Helper()
	for _, attrs := range kinds() {
		if attrs.Type == psa.KeyECCPair && attrs.Bits == 256 && c.possible(p, attrs) == nil {
			return attrs
		}
	}
	t.Fatal("the provider has no P-256")
	return psa.Attributes{}
}

// testConcurrency lets several callers make, use and destroy their own keys and use a
// common one. It is worth most under the race detector.
func testConcurrency(t *testing.T, c Config) {
	p := c.New(t)
	attrs := c.simplest(t, p)
	common := c.key(t, p, attrs)
	if c.Provision != nil {
		testUse(t, p, common)
		return
	}
	var callers sync.WaitGroup
	ids := make(chan string, 64)
	for range 4 {
		callers.Go(func() {
			for range 8 {
				id, err := generator(t, p).GenerateKey(t.Context(), attrs)
				if err != nil {
					t.Errorf("generate: %v", err)
					return
				}
				ids <- string(id)
				key := providers.Key{ID: id, Attributes: attrs}
				Exercise(t, p, key)
				Exercise(t, p, common)
				if d, ok := p.(providers.Destroyer); ok {
					if err := d.DestroyKey(t.Context(), key); err != nil {
						t.Errorf("destroy: %v", err)
					}
				}
			}
		})
	}
	callers.Wait()
	close(ids)
	seen := map[string]bool{string(common.ID): true}
	for id := range ids {
		if seen[id] {
			t.Errorf("id %x was given out twice", id)
		}
		seen[id] = true
	}
}

func testPersistence(t *testing.T, c Config) {
	if c.Reopen == nil {
		return
	}
	p := c.New(t)
	var keys []providers.Key
	for _, attrs := range kinds() {
		if c.possible(p, attrs) == nil && !attrs.Type.RSA() {
			keys = append(keys, c.key(t, p, attrs))
		}
	}
	if c.Provision != nil {
		p = c.Reopen(t, p)
		for _, key := range keys {
			Exercise(t, p, key)
		}
		return
	}
	gone := keys[0]
	if d, ok := p.(providers.Destroyer); ok {
		if err := d.DestroyKey(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		keys = keys[1:]
	}
	for range 2 {
		p = c.Reopen(t, p)
		for _, key := range keys {
			Exercise(t, p, key)
		}
		testGone(t, p, gone)
		made := Generate(t, p, keys[0].Attributes)
		for _, key := range keys {
			if string(key.ID) == string(made.ID) {
				t.Errorf("id %x was given out again", made.ID)
			}
		}
		keys = append(keys, made)
	}
}
