package pkcs11_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// TestOriginalMatrix is column P of the matrix in docs/spec/parsec-service.md 6.1.5: use,
// generate, import.
func TestOriginalMatrix(t *testing.T) {
	tokentest.New(t).Token("matrix")
	p := open(t, options(t))
	const both = psa.UsageSignHash | psa.UsageVerifyHash
	const crypt = psa.UsageEncrypt | psa.UsageDecrypt
	alg := func(k psa.Kind, h psa.Hash) psa.Algorithm { return psa.Algorithm{Kind: k, Hash: h} }
	rsa := func(bits uint64, usage psa.Usage, a psa.Algorithm) psa.Attributes {
		return psa.Attributes{Type: psa.KeyRSAPair, Bits: bits, Usage: usage, Alg: a}
	}
	ecc := func(c psa.Curve, bits uint64, usage psa.Usage, a psa.Algorithm) psa.Attributes {
		return psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: bits, Usage: usage, Alg: a}
	}
	pkcs1, ecdsa := alg(psa.AlgRSAPKCS1v15Sign, psa.HashSHA256), alg(psa.AlgECDSA, psa.HashSHA256)
	ecdh := alg(psa.AlgECDH, 0)
	r1 := psa.CurveSECPR1
	for i, row := range []struct {
		attrs psa.Attributes
		want  string
	}{
		{rsa(2048, both, pkcs1), "++-"},
		{rsa(2048, both, alg(psa.AlgRSAPKCS1v15Sign, psa.HashSHA224)), "++-"},
		{rsa(2048, both, alg(psa.AlgRSAPSS, psa.HashSHA256)), "++-"},
		{rsa(2048, crypt, alg(psa.AlgRSAPKCS1v15Crypt, 0)), "++-"},
		{rsa(2048, crypt, alg(psa.AlgRSAOAEP, psa.HashSHA256)), "++-"},
		{rsa(3072, both, pkcs1), "++-"},
		{rsa(0, both, pkcs1), "---"},
		{rsa(2048, 0, psa.Algorithm{}), "-+-"},
		{rsa(2048, 0, pkcs1), "---"},
		{rsa(2048, psa.UsageExport, pkcs1), "---"},
		{rsa(2048, both, alg(psa.AlgRSAPKCS1v15Sign, psa.HashAny)), "---"},
		{rsa(2048, both, alg(psa.AlgRSAPKCS1v15Sign, psa.HashSHA512256)), "---"},
		{rsa(2048, both, alg(psa.AlgRSAPKCS1v15Sign, psa.HashSHA1)), "---"},
		{rsa(2048, both, ecdsa), "---"},
		{psa.Attributes{Type: psa.KeyRSAPublic, Bits: 2048, Usage: psa.UsageVerifyHash, Alg: pkcs1}, "+-+"},
		{ecc(r1, 256, both, ecdsa), "++-"},
		{ecc(r1, 521, both, ecdsa), "++-"},
		{ecc(r1, 256, both, alg(psa.AlgECDSA, psa.HashAny)), "++-"},
		{ecc(r1, 384, both, ecdsa), "++-"},
		{ecc(r1, 256, both, alg(psa.AlgDeterministicECDSA, psa.HashSHA256)), "---"},
		{ecc(r1, 0, both, ecdsa), "---"},
		{ecc(psa.CurveSECPK1, 256, both, ecdsa), "---"},
		{ecc(r1, 256, psa.UsageDerive|both, ecdh), "---"},
		{ecc(r1, 256, psa.UsageDerive, ecdh), "---"},
		{ecc(psa.CurveSECTK1, 233, both, ecdsa), "---"},
		{psa.Attributes{Type: psa.KeyECCPublic, Curve: r1, Bits: 256, Usage: psa.UsageVerifyHash, Alg: ecdsa}, "+-+"},
		{psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: crypt, Alg: alg(psa.AlgGCM, 0)}, "---"},
		{psa.Attributes{Type: psa.KeyDES, Bits: 64, Usage: crypt, Alg: alg(psa.AlgCBCNoPadding, 0)}, "---"},
		{psa.Attributes{Type: psa.KeyHMAC, Bits: 256, Usage: psa.UsageSignMessage, Alg: alg(psa.AlgHMAC, psa.HashSHA256)}, "---"},
		{psa.Attributes{Type: psa.KeyRawData, Bits: 64}, "---"},
		{psa.Attributes{Type: psa.KeyDHPair, Bits: 2048}, "---"},
		{psa.Attributes{Type: psa.KeyDerive, Bits: 256, Usage: psa.UsageDerive, Alg: alg(psa.AlgHKDF, psa.HashSHA256)}, "---"},
	} {
		got := ""
		for _, check := range []psa.Check{psa.CheckUse, psa.CheckGenerate, psa.CheckImport} {
			if p.CanDo(providers.Capability{Check: check, Attributes: row.attrs, Original: true}) == nil {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != row.want {
			t.Errorf("row %d, %s: %s, want %s", i, providertest.Name(row.attrs), got, row.want)
		}
	}
}
