package psa_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func TestDeprecated(t *testing.T) {
	ecc := func(c psa.Curve, bits uint64) psa.Attributes {
		return psa.Attributes{Type: psa.KeyECCPublic, Curve: c, Bits: bits}
	}
	alg := func(a psa.Algorithm) psa.Attributes { return psa.Attributes{Type: psa.KeyRSAPair, Alg: a} }
	for name, tc := range map[string]struct {
		attrs psa.Attributes
		want  bool
	}{
		"des":                    {psa.Attributes{Type: psa.KeyDES}, true},
		"arc4":                   {psa.Attributes{Type: psa.KeyARC4}, true},
		"aes":                    {psa.Attributes{Type: psa.KeyAES}, false},
		"bare hash":              {alg(psa.Algorithm{Kind: psa.AlgHash, Hash: psa.HashMD2}), true},
		"hmac md5":               {alg(psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashMD5}), true},
		"truncated hmac md4":     {alg(psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashMD4, Truncated: true, Length: 8}), true},
		"signature sha1":         {alg(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA1}), true},
		"signature any":          {alg(psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny}), false},
		"ripemd160":              {alg(psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashRIPEMD160}), false},
		"oaep sha1":              {alg(psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA1}), true},
		"agreement with sha1":    {alg(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA1}), true},
		"agreement with sha256":  {alg(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256}), false},
		"brainpool 160":          {ecc(psa.CurveBrainpoolPR1, 160), true},
		"brainpool 256":          {ecc(psa.CurveBrainpoolPR1, 256), false},
		"sect k1 163":            {ecc(psa.CurveSECTK1, 163), true},
		"sect r1 163":            {ecc(psa.CurveSECTR1, 163), true},
		"sect r1 233":            {ecc(psa.CurveSECTR1, 233), false},
		"sect r2":                {ecc(psa.CurveSECTR2, 0), true},
		"secp r2":                {ecc(psa.CurveSECPR2, 160), true},
		"secp r2 pair, omission": {psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR2, Bits: 160}, false},
	} {
		if got := tc.attrs.Deprecated(); got != tc.want {
			t.Errorf("%s: deprecated is %t, want %t", name, got, tc.want)
		}
	}
}
