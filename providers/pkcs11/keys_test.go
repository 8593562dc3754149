package pkcs11_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

func rsaKey(tb testing.TB) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func imported(tb testing.TB, p *pkcs11.Provider, a psa.Attributes, data []byte) providers.Key {
	tb.Helper()
	id, err := p.ImportKey(tb.Context(), a, data)
	if err != nil {
		tb.Fatalf("import %s: %v", providertest.Name(a), err)
	}
	return providers.Key{ID: id, Attributes: a}
}

// TestImportPrivate imports keys of every kind that SoftHSM2 takes and uses them.
func TestImportPrivate(t *testing.T) {
	tokentest.New(t).Token("import")
	p := open(t, options(t))
	const usage = psa.UsageSignHash | psa.UsageVerifyHash
	sha256 := func(k psa.Kind) psa.Algorithm { return psa.Algorithm{Kind: k, Hash: psa.HashSHA256} }
	key := rsaKey(t)
	for _, kind := range []psa.Kind{psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPSS} {
		for _, bits := range []uint64{2048, 0} {
			a := psa.Attributes{Type: psa.KeyRSAPair, Bits: bits, Usage: usage, Alg: sha256(kind)}
			k := imported(t, p, a, x509.MarshalPKCS1PrivateKey(key))
			providertest.Exercise(t, p, k)
			public, err := p.ExportPublicKey(t.Context(), k)
			if err != nil || !bytes.Equal(public, x509.MarshalPKCS1PublicKey(&key.PublicKey)) {
				t.Errorf("exported %x, %v", public, err)
			}
		}
	}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		data, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for _, bits := range []uint64{uint64(curve.Params().BitSize), 0} {
			a := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: bits, Usage: usage, Alg: sha256(psa.AlgECDSA)}
			providertest.Exercise(t, p, imported(t, p, a, data))
		}
	}
	aes := psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: psa.UsageEncrypt | psa.UsageDecrypt, Alg: psa.Algorithm{Kind: psa.AlgGCM}}
	providertest.Exercise(t, p, imported(t, p, aes, make([]byte, 16)))

	wrong := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: usage, Alg: sha256(psa.AlgECDSA)}
	for name, data := range map[string][]byte{"zero": make([]byte, 32), "too large": bytes.Repeat([]byte{0xff}, 32), "short": {1}} {
		_, err := p.ImportKey(t.Context(), wrong, data)
		providertest.Status(t, name, err, wire.StatusInvalidArgument)
	}
}

// TestImportPublic imports public keys of every kind and checks what is refused.
func TestImportPublic(t *testing.T) {
	tokentest.New(t).Token("import")
	p := open(t, options(t))
	key := rsaKey(t)
	der := x509.MarshalPKCS1PublicKey(&key.PublicKey)
	a := psa.Attributes{
		Type: psa.KeyRSAPublic, Usage: psa.UsageVerifyHash, Alg: psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
	}
	for _, a.Bits = range []uint64{2048, 0} {
		k := imported(t, p, a, der)
		hash := make([]byte, 32)
		sig, err := rsa.SignPKCS1v15(nil, key, psa.HashSHA256.Std(), hash)
		if err != nil {
			t.Fatal(err)
		}
		providertest.Status(t, "verify", p.VerifyHash(t.Context(), k, a.Alg, hash, sig), wire.StatusSuccess)
		sig[5] ^= 1
		providertest.Status(t, "verify a changed signature", p.VerifyHash(t.Context(), k, a.Alg, hash, sig), wire.StatusInvalidSignature)
	}
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := k.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for _, bits := range []uint64{uint64(curve.Params().BitSize), 0} {
			e := psa.Attributes{
				Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1, Bits: bits, Usage: psa.UsageVerifyHash,
				Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
			}
			got, err := p.ExportPublicKey(t.Context(), imported(t, p, e, point))
			if err != nil || !bytes.Equal(got, point) {
				t.Errorf("P-%d: exported %x, %v", bits, got, err)
			}
		}
	}
	a.Bits = 1024
	_, err := p.ImportKey(t.Context(), a, der)
	providertest.Status(t, "another size", err, wire.StatusInvalidArgument)
	a.Bits = 2048
	_, err = p.ImportKey(t.Context(), a, append(der, 0))
	providertest.Status(t, "a trailing byte", err, wire.StatusInvalidArgument)
}

// TestAgreement agrees with the standard library on a secret.
func TestAgreement(t *testing.T) {
	tokentest.New(t).Token("ecdh")
	p := open(t, options(t))
	for bits, curve := range map[uint64]ecdh.Curve{256: ecdh.P256(), 384: ecdh.P384(), 521: ecdh.P521()} {
		k := providertest.Generate(t, p, psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: bits, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH}})
		peer, err := curve.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.RawKeyAgreement(t.Context(), k, k.Attributes.Alg, peer.PublicKey().Bytes())
		if err != nil {
			t.Fatal(err)
		}
		point, err := p.ExportPublicKey(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		public, err := curve.NewPublicKey(point)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := peer.ECDH(public); err != nil || !bytes.Equal(got, want) {
			t.Errorf("P-%d: secret %x, want %x, %v", bits, got, want, err)
		}
	}
}

// TestCKAID: the number of a key is little-endian for the key info manager and big-endian
// on the token.
func TestCKAID(t *testing.T) {
	h := tokentest.New(t)
	h.Token("ids")
	p := open(t, options(t))
	key := providertest.Generate(t, p, p256)
	want := fmt.Sprintf("%08x", binary.LittleEndian.Uint32(key.ID))
	if out := h.Tool("--login", "--pin", tokentest.PIN, "--token-label", "ids", "--list-objects"); strings.Count(out, want) != 2 {
		t.Errorf("CKA_ID %s is not that of both objects:\n%s", want, out)
	}
}

// TestReducedTemplates: a token that refuses attributes gets fewer; the log says which.
func TestReducedTemplates(t *testing.T) {
	tokentest.New(t).Token("picky")
	shim := tokentest.NewShim(t)
	l := &providertest.Logs{}
	o := options(t)
	o.Library, o.Logger = shim.Library, l.Logger()
	p := open(t, o)
	for attribute, name := range map[string]string{
		"0x40000600": "CKA_ALLOWED_MECHANISMS", "0x171": "CKA_COPYABLE", "0x162": "CKA_EXTRACTABLE", "0x103": "CKA_SENSITIVE",
	} {
		shim.Set("C_GenerateKeyPair attribute " + attribute)
		providertest.Exercise(t, p, providertest.Generate(t, p, p256))
		if !strings.Contains(l.String(), name) || !strings.Contains(l.String(), "CKR_ATTRIBUTE_TYPE_INVALID") {
			t.Errorf("the log does not say that %s was left out:\n%s", name, l)
		}
	}
	shim.Set("C_GenerateKeyPair attribute 0x102") // CKA_ID, without which there is no key
	_, err := p.GenerateKey(t.Context(), p256)
	providertest.Status(t, "generate", err, wire.StatusNotSupported)
	mentions(t, err, "cannot generate key pair with CKM_EC_KEY_PAIR_GEN and the attributes ", "CKA_ID", "CKR_ATTRIBUTE_TYPE_INVALID")
}

// TestSoftwarePublicOperations verifies and encrypts without the token.
func TestSoftwarePublicOperations(t *testing.T) {
	tokentest.New(t).Token("public")
	shim := tokentest.NewShim(t)
	o := options(t)
	o.Library, o.SoftwarePublicOperations, o.RefuseExport = shim.Library, true, true
	p := open(t, o)
	providertest.Exercise(t, p, providertest.Generate(t, p, p256))
	for _, k := range []psa.Algorithm{
		{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA512},
		{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
		{Kind: psa.AlgRSAPKCS1v15Crypt},
		{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA1},
	} {
		a := psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048, Alg: k, Usage: psa.UsageAll &^ psa.UsageExport}
		providertest.Exercise(t, p, providertest.Generate(t, p, a))
	}
	a := p256
	a.Usage |= psa.UsageExport
	_, err := p.GenerateKey(t.Context(), a)
	providertest.Status(t, "generate with the export flag", err, wire.StatusNotPermitted)
}

// TestExamine reports keys without objects, and nothing else; nothing is removed.
func TestExamine(t *testing.T) {
	h := tokentest.New(t)
	h.Token("examine")
	p := open(t, options(t))
	key := providertest.Generate(t, p, p256)
	found, err := p.Examine(t.Context(), []providers.KeyID{key.ID, {1, 2, 3, 4}, {1}})
	if err != nil || len(found) != 2 {
		t.Fatalf("%d findings, %v", len(found), err)
	}
	if f := found[0]; !strings.Contains(f.Object, "04030201") || f.Severity != "error" || f.Remedy == "" {
		t.Errorf("finding %+v", f)
	}
	if err := sign(t, p, key); err != nil {
		t.Error(err)
	}
}
