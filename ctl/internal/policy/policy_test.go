package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/policy"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func TestDefaults(t *testing.T) {
	const (
		sign = psa.UsageSignHash | psa.UsageSignMessage | psa.UsageVerifyHash | psa.UsageVerifyMessage
		mac  = psa.UsageSignMessage | psa.UsageVerifyMessage
		both = psa.UsageEncrypt | psa.UsageDecrypt
	)
	for _, tc := range []struct {
		r    policy.Request
		alg  string
		use  psa.Usage
		bits uint64
	}{
		{policy.Request{Type: "ecc-p256"}, "ecdsa:sha256", sign, 256},
		{policy.Request{Type: "ECC-P521"}, "ecdsa:sha512", sign, 521},
		{policy.Request{Type: "ecc-p384", Use: []string{"agree"}}, "ecdh", psa.UsageDerive, 384},
		{policy.Request{Type: "ecc-p256", Use: []string{"verify"}}, "ecdsa:sha256", psa.UsageVerifyHash | psa.UsageVerifyMessage, 256},
		{policy.Request{Type: "ecc-p256", Hash: "any"}, "ecdsa:any", sign, 256},
		{policy.Request{Type: "ecc-p256", Use: []string{"export"}}, "ecdsa:sha256", sign | psa.UsageExport, 256},
		{policy.Request{Type: "ed25519"}, "eddsa", mac, 255},
		{policy.Request{Type: "ed25519", Use: []string{"sign"}}, "eddsa", mac, 255},
		{policy.Request{Type: "x448"}, "ecdh", psa.UsageDerive, 448},
		{policy.Request{Type: "rsa-3072"}, "rsa-pkcs1:sha256", sign, 3072},
		{policy.Request{Type: "rsa-8192", Use: []string{"encrypt"}}, "rsa-oaep:sha256", both, 8192},
		{policy.Request{Type: "rsa-2048", Use: []string{"decrypt"}, Hash: "sha1"}, "rsa-oaep:sha1", psa.UsageDecrypt, 2048},
		{policy.Request{Type: "aes-128", Exportable: true}, "gcm", both | psa.UsageExport, 128},
		{policy.Request{Type: "aes-256", Use: []string{"mac"}}, "cmac", mac, 256},
		{policy.Request{Type: "aes-256", Algorithm: "ctr"}, "ctr", both, 256},
		{policy.Request{Type: "chacha20"}, "chacha20-poly1305", both, 256},
		{policy.Request{Type: "hmac-sha384"}, "hmac:sha384", mac, 384},
		{policy.Request{Type: "hmac", Bits: 128, Hash: "sha512"}, "hmac:sha512", mac, 128},
		{policy.Request{Type: "derive"}, "hkdf:sha256", psa.UsageDerive, 256},
		{policy.Request{Type: "raw", Bits: 64}, "none", psa.UsageExport, 64},
		{policy.Request{Type: "dh-2048"}, "ffdh", psa.UsageDerive, 2048},
	} {
		a, err := tc.r.Attributes()
		if err != nil {
			t.Errorf("%+v: %v", tc.r, err)
			continue
		}
		if a.Alg.String() != tc.alg || a.Usage != tc.use || a.Bits != tc.bits {
			t.Errorf("%+v: %s, %v, %d bits", tc.r, a.Alg, a.Usage.Names(), a.Bits)
		}
	}
}

func TestTypeNamesComeBack(t *testing.T) {
	for _, name := range policy.TypeNames() {
		typ, err := policy.ParseType(name)
		if err != nil {
			t.Fatal(err)
		}
		a := psa.Attributes{Type: typ.Kind, Curve: typ.Curve, Bits: typ.Bits}
		if got := policy.TypeName(a); got != name && typ.Kind != psa.KeyHMAC && typ.Kind != psa.KeyRawData {
			t.Errorf("%s is called %s", name, got)
		}
		if policy.PairOf(policy.TypeOf(a).Kind) != typ.Kind {
			t.Errorf("%s changes its kind", name)
		}
	}
	for want, a := range map[string]psa.Attributes{
		"ecc-p256 (public)": {Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1, Bits: 256},
		"rsa-1536 (public)": {Type: psa.KeyRSAPublic, Bits: 1536},
		"ecc-sect-k1-233":   {Type: psa.KeyECCPair, Curve: psa.CurveSECTK1, Bits: 233},
		"ecc-secp-r1":       {Type: psa.KeyECCPair, Curve: psa.CurveSECPR1},
		"des-192":           {Type: psa.KeyDES, Bits: 192},
		"dh-4096 (public)":  {Type: psa.KeyDHPublic, Bits: 4096},
		"raw":               {Type: psa.KeyRawData},
	} {
		if got := policy.TypeName(a); got != want {
			t.Errorf("%+v is called %q, want %q", a, got, want)
		}
	}
}

// FuzzAlgorithm: what is read is valid, and what it is called is read as the same again.
func FuzzAlgorithm(f *testing.F) {
	for _, s := range []string{
		"none", "ecdsa", "ecdsa:any", "ecdsa:sha512-256", "rsa-pss:sha3-512", "rsa-pkcs1-raw", "gcm:12", "gcm", "hmac:sha256:16", "cmac:8",
		"ecdh", "ecdh:hkdf:sha384", "ecdh:hkdf", "ffdh:tls12-prf:sha256", "hkdf", "ECDSA:SHA-256", "", ":", "gcm:0", "gcm:99999", "eddsa:sha256",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := policy.ParseAlgorithm(s, psa.HashSHA256)
		if err != nil {
			return
		}
		if err := a.Valid(); err != nil {
			t.Fatalf("%q gives an invalid algorithm: %v", s, err)
		}
		again, err := policy.ParseAlgorithm(a.String(), psa.HashNone)
		if diff := cmp.Diff(a, again); diff != "" || err != nil {
			t.Errorf("%q is called %q: %v\n%s", s, a, err, diff)
		}
	})
}

func TestRefusals(t *testing.T) {
	for want, r := range map[string]policy.Request{
		`no key type is called "ecc"`:                     {Type: "ecc"},
		`no key type is called "rsa-"`:                    {Type: "rsa-"},
		`no key type is called "rsa-99999"`:               {Type: "rsa-99999"},
		`cannot be used with the algorithm hmac:sha256`:   {Type: "aes-256", Algorithm: "hmac:sha256"},
		`the algorithm gcm cannot derive`:                 {Type: "aes-256", Use: []string{"derive"}},
		`no algorithm is called "rot13"`:                  {Type: "aes-256", Algorithm: "rot13"},
		`--hash sha512 does not go with the algorithm`:    {Type: "ecc-p256", Algorithm: "ecdsa:sha256", Hash: "sha512"},
		`a key of type chacha20 has 256 bits, not 128`:    {Type: "chacha20", Bits: 128},
		`cannot have the parameter "sha384"`:              {Type: "ecc-p256", Algorithm: "ecdsa:sha256:sha384"},
		`algorithm hmac needs a hash`:                     {Type: "hmac", Hash: "any"},
		`cannot be used with the algorithm rsa-oaep:sha1`: {Type: "ecc-p256", Algorithm: "rsa-oaep:sha1"},
	} {
		if _, err := r.Attributes(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", r, err, want)
		}
	}
}
