package tpm

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// TestOriginalMatrix is the measured matrix of docs/spec/parsec-service.md section 6.1.5,
// the column of the TPM: use, generate, import.
func TestOriginalMatrix(t *testing.T) {
	const (
		sign = psa.UsageSignHash | psa.UsageVerifyHash
		enc  = psa.UsageEncrypt | psa.UsageDecrypt
	)
	rsa := func(bits uint64, u psa.Usage, k psa.Kind, h psa.Hash) psa.Attributes {
		return psa.Attributes{Type: psa.KeyRSAPair, Bits: bits, Usage: u, Alg: psa.Algorithm{Kind: k, Hash: h}}
	}
	ecc := func(c psa.Curve, bits uint64, u psa.Usage, k psa.Kind, h psa.Hash) psa.Attributes {
		return psa.Attributes{Type: psa.KeyECCPair, Curve: c, Bits: bits, Usage: u, Alg: psa.Algorithm{Kind: k, Hash: h}}
	}
	public := func(a psa.Attributes, typ psa.KeyType) psa.Attributes { a.Type = typ; return a }
	r1 := psa.CurveSECPR1
	for _, row := range []struct {
		attrs psa.Attributes
		want  string
	}{
		{rsa(2048, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA256), "++-"},
		{rsa(2048, sign, psa.AlgRSAPSS, psa.HashSHA256), "++-"},
		{rsa(2048, enc, psa.AlgRSAPKCS1v15Crypt, 0), "++-"},
		{rsa(2048, enc, psa.AlgRSAOAEP, psa.HashSHA256), "++-"},
		{rsa(3072, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA256), "++-"},
		{rsa(0, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA256), "---"},
		{rsa(2048, 0, psa.AlgNone, 0), "-+-"},
		{rsa(2048, 0, psa.AlgRSAPSS, psa.HashSHA256), "---"},
		{rsa(2048, psa.UsageExport, psa.AlgRSAPSS, psa.HashSHA256), "---"},
		{rsa(2048, sign, psa.AlgRSAPKCS1v15Sign, psa.HashAny), "---"},
		{rsa(2048, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA512256), "---"},
		{rsa(2048, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA1), "++-"},
		{rsa(2048, sign, psa.AlgECDSA, psa.HashSHA256), "---"},
		{public(rsa(2048, sign, psa.AlgRSAPKCS1v15Sign, psa.HashSHA256), psa.KeyRSAPublic), "+-+"},
		{ecc(r1, 256, sign, psa.AlgECDSA, psa.HashSHA256), "++-"},
		{ecc(r1, 521, sign, psa.AlgECDSA, psa.HashSHA256), "++-"},
		{ecc(r1, 384, sign, psa.AlgECDSA, psa.HashSHA256), "++-"},
		{ecc(r1, 256, sign, psa.AlgECDSA, psa.HashAny), "---"},
		{ecc(r1, 256, sign, psa.AlgDeterministicECDSA, psa.HashSHA256), "---"},
		{ecc(r1, 0, sign, psa.AlgECDSA, psa.HashSHA256), "---"},
		{ecc(psa.CurveSECPK1, 256, sign, psa.AlgECDSA, psa.HashSHA256), "---"},
		{ecc(r1, 256, sign|psa.UsageDerive, psa.AlgECDH, 0), "---"},
		{ecc(r1, 256, psa.UsageDerive, psa.AlgECDH, 0), "---"},
		{ecc(psa.CurveSECTK1, 233, sign, psa.AlgECDSA, psa.HashSHA256), "---"},
		{public(ecc(r1, 256, sign, psa.AlgECDSA, psa.HashSHA256), psa.KeyECCPublic), "+-+"},
		{psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: enc, Alg: psa.Algorithm{Kind: psa.AlgGCM}}, "---"},
		{psa.Attributes{Type: psa.KeyHMAC, Bits: 256, Usage: psa.UsageSignMessage, Alg: psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256}}, "---"},
		{psa.Attributes{Type: psa.KeyRawData, Bits: 64}, "---"},
		{psa.Attributes{Type: psa.KeyDHPair, Bits: 2048}, "---"},
	} {
		got := ""
		for _, check := range []psa.Check{psa.CheckUse, psa.CheckGenerate, psa.CheckImport} {
			if original(check, row.attrs) {
				got += "+"
			} else {
				got += "-"
			}
		}
		if got != row.want || original(psa.CheckDerive, row.attrs) || original(psa.CheckNone, row.attrs) {
			t.Errorf("%+v: %s, want %s", row.attrs, got, row.want)
		}
	}
}
