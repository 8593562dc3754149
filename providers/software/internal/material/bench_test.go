package material_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// BenchmarkSign is what a request to sign costs without the request; "library" beside it
// is the standard library alone.
func BenchmarkSign(b *testing.B) {
	ecc := func(c psa.Curve, bits uint64) func(*testing.B) {
		return func(b *testing.B) {
			k := newKey(b, psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: bits})
			sign(b, k, psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256})
		}
	}
	b.Run("P-256", ecc(psa.CurveSECPR1, 256))
	b.Run("P-256/library", func(b *testing.B) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		hash := make([]byte, 32)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ecdsa.SignASN1(rand.Reader, k, hash); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("P-384", ecc(psa.CurveSECPR1, 384))
	b.Run("secp256k1", ecc(psa.CurveSECPK1, 256))
	b.Run("brainpool-256", ecc(psa.CurveBrainpoolPR1, 256))
	for name, alg := range map[string]psa.Algorithm{
		"RSA-2048":     {Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
		"RSA-2048-PSS": {Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
	} {
		b.Run(name, func(b *testing.B) { sign(b, rsaKey(b, 2048), alg) })
	}
	b.Run("RSA-2048/library", func(b *testing.B) {
		k, hash := testRSA()[2048], make([]byte, 32)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rsa.SignPKCS1v15(nil, k, psa.HashSHA256.Std(), hash); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Ed25519", func(b *testing.B) {
		k := newKey(b, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255})
		message := make([]byte, 32)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.SignMessage(psa.Algorithm{Kind: psa.AlgPureEdDSA}, message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func sign(b *testing.B, k *material.Key, alg psa.Algorithm) {
	b.Helper()
	hash := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.SignHash(alg, hash); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNew is what the first use of a stored key costs beside reading it.
func BenchmarkNew(b *testing.B) {
	for name, a := range map[string]psa.Attributes{
		"P-256":  {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256},
		"AES":    {Type: psa.KeyAES, Bits: 256},
		"X25519": {Type: psa.KeyECCPair, Curve: psa.CurveMontgomery, Bits: 255},
	} {
		data, err := material.Generate(a)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) { parseKey(b, a, data) })
	}
	b.Run("RSA-2048", func(b *testing.B) {
		parseKey(b, psa.Attributes{Type: psa.KeyRSAPair}, x509.MarshalPKCS1PrivateKey(testRSA()[2048]))
	})
}

func parseKey(b *testing.B, a psa.Attributes, data []byte) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := material.New(a, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSeal encrypts 64 KiB.
func BenchmarkSeal(b *testing.B) {
	for name, c := range map[string]struct {
		typ  psa.KeyType
		kind psa.Kind
	}{
		"AES-GCM": {psa.KeyAES, psa.AlgGCM}, "AES-CCM": {psa.KeyAES, psa.AlgCCM}, "Camellia-GCM": {psa.KeyCamellia, psa.AlgGCM},
		"ChaCha20-Poly1305": {psa.KeyChaCha20, psa.AlgChaCha20Poly1305},
	} {
		b.Run(name, func(b *testing.B) {
			k := newKey(b, psa.Attributes{Type: c.typ, Bits: 256})
			in := providers.AEADInput{Nonce: make([]byte, 12), Data: make([]byte, 1<<16)}
			b.SetBytes(int64(len(in.Data)))
			for b.Loop() {
				if _, err := k.Seal(psa.Algorithm{Kind: c.kind}, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
