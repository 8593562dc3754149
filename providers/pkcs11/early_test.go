package pkcs11_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// TestVerifyWhatTokensLack verifies signatures that no mechanism of a token has a name for.
func TestVerifyWhatTokensLack(t *testing.T) {
	tokentest.New(t).Token("lack")
	p := open(t, options(t))
	check := func(what string, k providers.Key, hash, sig []byte) {
		t.Helper()
		providertest.Status(t, what, p.VerifyHash(t.Context(), k, k.Attributes.Alg, hash, sig), wire.StatusSuccess)
		sig[9] ^= 1
		providertest.Status(t, what+", changed", p.VerifyHash(t.Context(), k, k.Attributes.Alg, hash, sig), wire.StatusInvalidSignature)
	}
	pair := rsaKey(t)
	hash := make([]byte, 32)
	sig, err := rsa.SignPSS(rand.Reader, pair, psa.HashSHA3256.Std(), hash, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if err != nil {
		t.Fatal(err)
	}
	pss := psa.Attributes{
		Type: psa.KeyRSAPublic, Bits: 2048, Usage: psa.UsageVerifyHash, Alg: psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA3256},
	}
	check("PSS with SHA-3", imported(t, p, pss, x509.MarshalPKCS1PublicKey(&pair.PublicKey)), hash, sig)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, hash)
	if err != nil {
		t.Fatal(err)
	}
	deterministic := psa.Attributes{
		Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgDeterministicECDSA, Hash: psa.HashSHA256},
	}
	check("deterministic ECDSA", imported(t, p, deterministic, point), hash, joined(r, s))
}

// joined is a signature of P-256 in the protocol's format.
func joined(r, s *big.Int) []byte {
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig
}

// TestLongPlaintext is refused as what it is, whatever the token would say.
func TestLongPlaintext(t *testing.T) {
	tokentest.New(t).Token("long")
	p := open(t, options(t))
	der := x509.MarshalPKCS1PublicKey(&rsaKey(t).PublicKey)
	for _, c := range []struct {
		alg  psa.Algorithm
		most int
	}{
		{psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}, 245},
		{psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA1}, 214},
		{psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA512}, 126},
	} {
		a := psa.Attributes{Type: psa.KeyRSAPublic, Usage: psa.UsageEncrypt, Alg: c.alg}
		for _, a.Bits = range []uint64{2048, 0} {
			k := imported(t, p, a, der)
			_, err := p.AsymmetricEncrypt(t.Context(), k, c.alg, make([]byte, c.most), nil)
			providertest.Status(t, "the longest plaintext", err, wire.StatusSuccess)
			_, err = p.AsymmetricEncrypt(t.Context(), k, c.alg, make([]byte, c.most+1), nil)
			providertest.Status(t, "a longer one", err, wire.StatusInvalidArgument)
			_, err = p.AsymmetricDecrypt(t.Context(), k, c.alg, make([]byte, 256), nil)
			providertest.Status(t, "decryption with a public key", err, wire.StatusNotPermitted)
		}
	}
}

// TestEmptyImport: the usage flags are looked at before the data, as the original does.
func TestEmptyImport(t *testing.T) {
	tokentest.New(t).Token("empty")
	o := options(t)
	o.RefuseExport = true
	p := open(t, o)
	a := psa.Attributes{Type: psa.KeyRSAPublic, Usage: psa.UsageExport | psa.UsageVerifyHash, Alg: psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256}}
	for _, data := range [][]byte{nil, {}} {
		_, err := p.ImportKey(t.Context(), a, data)
		providertest.Status(t, "empty and exportable", err, wire.StatusNotPermitted)
	}
	a.Usage = psa.UsageVerifyHash
	_, err := p.ImportKey(t.Context(), a, nil)
	providertest.Status(t, "empty", err, wire.StatusInvalidArgument)
}
