package software_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// cached reports whether the key can be used without its file.
func cached(t *testing.T, p *software.Provider, dir string, key providers.Key) bool {
	t.Helper()
	hidden := fileOf(dir, key) + ".hidden"
	if err := os.Rename(fileOf(dir, key), hidden); err != nil {
		t.Fatal(err)
	}
	_, err := p.ExportPublicKey(t.Context(), key)
	if err := os.Rename(hidden, fileOf(dir, key)); err != nil {
		t.Fatal(err)
	}
	return err == nil
}

func TestCacheKeepsTheRecentlyUsed(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, CacheKeys: 2})
	a, b := providertest.Generate(t, p, p256), providertest.Generate(t, p, p256)
	providertest.Exercise(t, p, a)
	c := providertest.Generate(t, p, p256)
	if !cached(t, p, dir, a) || !cached(t, p, dir, c) || cached(t, p, dir, b) {
		t.Error("not the least recently used key left the cache")
	}
	if !cached(t, p, dir, a) || !cached(t, p, dir, c) {
		t.Error("a key that could not be loaded displaced one")
	}
}

func TestNoCache(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir})
	key := providertest.Generate(t, p, p256)
	if cached(t, p, dir, key) {
		t.Error("a key was cached")
	}
	providertest.Exercise(t, p, key)
}

func TestFailureIsNotCached(t *testing.T) {
	dir := t.TempDir()
	p := open(t, software.Options{KeyStorePath: dir, CacheKeys: 8})
	key := providertest.Generate(t, p, p256)
	content := read(t, fileOf(dir, key))
	again := open(t, software.Options{KeyStorePath: dir, CacheKeys: 8})
	write(t, fileOf(dir, key), []byte("rubbish"), 0o600)
	for range 2 {
		_, err := again.ExportPublicKey(t.Context(), key)
		providertest.Status(t, "rubbish", err, wire.StatusDataCorrupt)
	}
	write(t, fileOf(dir, key), content, 0o600)
	providertest.Exercise(t, again, key)
}

func TestOtherAttributesLoadAnew(t *testing.T) {
	p := open(t, software.Options{KeyStorePath: t.TempDir(), CacheKeys: 8})
	key := providertest.Generate(t, p, p256)
	providertest.Exercise(t, p, key)
	key.Attributes.Alg = psa.Algorithm{Kind: psa.AlgECDH}
	providertest.Exercise(t, p, key)
	key.Attributes.Bits = 384
	_, err := p.ExportPublicKey(t.Context(), key)
	providertest.Status(t, "another size", err, wire.StatusDataInvalid)
}

func TestDestroyedKeyLeavesTheCache(t *testing.T) {
	p := open(t, software.Options{KeyStorePath: t.TempDir(), CacheKeys: 8})
	key := providertest.Generate(t, p, p256)
	providertest.Exercise(t, p, key)
	if err := p.DestroyKey(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	_, err := p.ExportPublicKey(t.Context(), key)
	providertest.Status(t, "use", err, wire.StatusInvalidHandle)
}

// TestWipedOnlyWhenUnused signs with more keys than the cache holds, from several
// goroutines, while keys are destroyed and at last the provider is closed. A key that
// was wiped under its user gives a wrong signature, or a report of the race detector.
func TestWipedOnlyWhenUnused(t *testing.T) {
	p := open(t, software.Options{KeyStorePath: t.TempDir(), CacheKeys: 2})
	keys := make([]providers.Key, 6)
	for i := range keys {
		keys[i] = providertest.Generate(t, p, p256)
	}
	var users sync.WaitGroup
	use := func(key providers.Key) error {
		hash := make([]byte, 32)
		signature, err := p.SignHash(t.Context(), key, p256.Alg, hash)
		if err != nil {
			return err
		}
		return p.VerifyHash(context.WithoutCancel(t.Context()), key, p256.Alg, hash, signature)
	}
	for n := range 4 {
		users.Go(func() {
			for i := range 300 {
				err := use(keys[(n+i)%len(keys)])
				if s := wire.StatusOf(err); s != wire.StatusSuccess && s != wire.StatusInvalidHandle && s != wire.StatusBadState {
					t.Errorf("sign: %v", err)
				}
			}
		})
	}
	users.Go(func() {
		for _, key := range keys[:3] {
			if err := p.DestroyKey(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
	})
	users.Wait()
	for range 4 {
		users.Go(func() {
			for range 100 {
				err := use(keys[5])
				if s := wire.StatusOf(err); s != wire.StatusSuccess && s != wire.StatusBadState && s != wire.StatusStorageFailure {
					t.Errorf("sign while closing: %v", err)
				}
			}
		})
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	users.Wait()
}
