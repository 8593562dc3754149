package software_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// BenchmarkSign compares signing with a cached key with the standard library's signing
// alone, both from eight goroutines.
func BenchmarkSign(b *testing.B) {
	hash := make([]byte, 32)
	b.Run("provider", func(b *testing.B) {
		p := open(b, software.Options{KeyStorePath: b.TempDir(), CacheKeys: software.DefaultCacheKeys})
		key := providertest.Generate(b, p, p256)
		parallel(b, func() error {
			_, err := p.SignHash(b.Context(), key, p256.Alg, hash)
			return err
		})
	})
	b.Run("ecdsa", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		parallel(b, func() error {
			_, err := key.Sign(rand.Reader, hash, crypto.SHA256)
			return err
		})
	})
}

func parallel(b *testing.B, work func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := work(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkCachedKey is nearly everything but the cryptography of an operation.
func BenchmarkCachedKey(b *testing.B) {
	p := open(b, software.Options{KeyStorePath: b.TempDir(), CacheKeys: software.DefaultCacheKeys})
	key := providertest.Generate(b, p, p256)
	parallel(b, func() error {
		_, err := p.ExportPublicKey(b.Context(), key)
		return err
	})
}

// BenchmarkLoad uses keys that are not in the cache.
func BenchmarkLoad(b *testing.B) {
	for _, form := range []providers.Protection{providers.ProtectionEncrypted, providers.ProtectionCompatible} {
		b.Run(string(form), func(b *testing.B) {
			p := open(b, software.Options{KeyStorePath: b.TempDir(), Storage: form})
			key := providertest.Generate(b, p, p256)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.ExportPublicKey(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen opens stores of many keys.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		for _, form := range []providers.Protection{providers.ProtectionEncrypted, providers.ProtectionCompatible} {
			b.Run(fmt.Sprintf("%s-%d", form, n), func(b *testing.B) {
				dir := b.TempDir()
				p := open(b, software.Options{KeyStorePath: dir, Storage: form})
				content := read(b, fileOf(dir, providertest.Generate(b, p, p256)))
				for id := range n {
					write(b, fileOf(dir, keyWith(uint32(id)+3)), content, 0o600)
				}
				if err := p.Close(); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					p, err := software.Open(b.Context(), software.Options{KeyStorePath: dir})
					if err != nil {
						b.Fatal(err)
					}
					if err := p.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
