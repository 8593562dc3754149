package psa_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestFits is the table of section 3.4, written out.
func TestFits(t *testing.T) {
	block := []psa.Kind{
		psa.AlgCBCMAC, psa.AlgCMAC, psa.AlgCTR, psa.AlgCFB, psa.AlgOFB, psa.AlgXTS, psa.AlgECBNoPadding, psa.AlgCBCNoPadding, psa.AlgCBCPKCS7,
	}
	rsa := []psa.Kind{psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPKCS1v15SignRaw, psa.AlgRSAPSS, psa.AlgRSAPKCS1v15Crypt, psa.AlgRSAOAEP}
	ecc := []psa.Kind{psa.AlgECDSA, psa.AlgECDSAAny, psa.AlgDeterministicECDSA, psa.AlgECDH}
	aes := append([]psa.Kind{psa.AlgCCM, psa.AlgGCM}, block...)
	table := map[psa.KeyType][]psa.Kind{
		psa.KeyRawData: nil, psa.KeyHMAC: {psa.AlgHMAC}, psa.KeyDerive: {psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS},
		psa.KeyAES: aes, psa.KeyCamellia: aes, psa.KeyDES: block, psa.KeyARC4: {psa.AlgStreamCipher},
		psa.KeyChaCha20:  {psa.AlgStreamCipher, psa.AlgChaCha20Poly1305},
		psa.KeyRSAPublic: rsa, psa.KeyRSAPair: rsa, psa.KeyECCPair: ecc, psa.KeyECCPublic: ecc,
		psa.KeyDHPair: {psa.AlgFFDH}, psa.KeyDHPublic: {psa.AlgFFDH}, 0: nil, 15: nil,
	}
	for typ, kinds := range table {
		a := psa.Attributes{Type: typ, Curve: psa.CurveSECPR1}
		fit := map[psa.Kind]bool{}
		for _, k := range kinds {
			fit[k] = true
		}
		for k := range psa.Kind(0xff) {
			if got := a.Fits(psa.Algorithm{Kind: k}); got != fit[k] {
				t.Errorf("%v with a key of type %v: fits is %t", k, typ, got)
			}
		}
	}
	ed := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards}
	for k := range psa.Kind(0xff) {
		if got := ed.Fits(psa.Algorithm{Kind: k}); got != (k == psa.AlgPureEdDSA) {
			t.Errorf("%v with an Edwards key: fits is %t", k, got)
		}
	}
}

func TestPermit(t *testing.T) {
	sha256 := psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}
	anyHash := psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny}
	gcm := psa.Algorithm{Kind: psa.AlgGCM}
	gcm16 := psa.Algorithm{Kind: psa.AlgGCM, Truncated: true, Length: 16}
	key := func(alg psa.Algorithm) psa.Attributes {
		return psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageSignHash, Alg: alg}
	}
	aes := psa.Attributes{Type: psa.KeyAES, Bits: 128, Usage: psa.UsageSignHash, Alg: gcm}
	with := func(a psa.Attributes, change func(*psa.Attributes)) psa.Attributes { change(&a); return a }
	for name, c := range map[string]struct {
		attrs psa.Attributes
		alg   psa.Algorithm
		ok    bool
	}{
		"equal":                  {key(sha256), sha256, true},
		"no flag":                {with(key(sha256), func(a *psa.Attributes) { a.Usage = psa.UsageVerifyHash | psa.UsageSignMessage }), sha256, false},
		"other hash":             {key(sha256), psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA384}, false},
		"any permits specific":   {key(anyHash), sha256, true},
		"any never in operation": {key(anyHash), anyHash, false},
		"specific, any asked":    {key(sha256), anyHash, false},
		"any of another scheme":  {key(anyHash), psa.Algorithm{Kind: psa.AlgDeterministicECDSA, Hash: psa.HashSHA256}, false},
		"any, without hash":      {key(anyHash), psa.Algorithm{Kind: psa.AlgECDSA}, false},
		"any, ecdsa-any":         {key(anyHash), psa.Algorithm{Kind: psa.AlgECDSAAny}, false},
		"policy none":            {key(psa.Algorithm{}), sha256, false},
		"none asked":             {key(psa.Algorithm{}), psa.Algorithm{}, false},
		"does not fit":           {with(key(sha256), func(a *psa.Attributes) { a.Type, a.Curve = psa.KeyRSAPair, 0 }), sha256, false},
		"default tag":            {aes, gcm, true},
		"same tag, said":         {aes, gcm16, false},
		"default under said":     {with(aes, func(a *psa.Attributes) { a.Alg = gcm16 }), gcm, true},
		"said under said":        {with(aes, func(a *psa.Attributes) { a.Alg = gcm16 }), gcm16, true},
		"default under 12":       {with(aes, func(a *psa.Attributes) { a.Alg.Truncated, a.Alg.Length = true, 12 }), gcm, false},
		"CCM under GCM of 16":    {with(aes, func(a *psa.Attributes) { a.Alg = gcm16 }), psa.Algorithm{Kind: psa.AlgCCM}, false},
	} {
		err := c.attrs.Permit(psa.UsageSignHash, c.alg)
		if c.ok && err != nil || !c.ok && !errors.Is(err, wire.StatusNotPermitted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPermitsAgreement(t *testing.T) {
	ecdh := psa.Algorithm{Kind: psa.AlgECDH}
	if !ecdh.PermitsAgreement(psa.AlgECDH) || ecdh.PermitsAgreement(psa.AlgFFDH) {
		t.Error("a policy of raw ECDH permits raw ECDH and nothing else")
	}
	kdf := psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256}
	if kdf.PermitsAgreement(psa.AlgECDH) {
		t.Error("a policy that feeds a derivation must not give the raw secret")
	}
}

func TestCheckHashLength(t *testing.T) {
	for h := psa.HashMD2; h <= psa.HashSHA3512; h++ {
		for _, k := range []psa.Kind{psa.AlgECDSA, psa.AlgRSAPSS, psa.AlgRSAPKCS1v15Sign, psa.AlgDeterministicECDSA} {
			for _, d := range []int{-1, 0, 1} {
				err := psa.CheckHashLength(psa.Algorithm{Kind: k, Hash: h}, make([]byte, h.Size()+d))
				if d == 0 && err != nil || d != 0 && !errors.Is(err, wire.StatusInvalidArgument) {
					t.Errorf("%v %v, %+d bytes: %v", k, h, d, err)
				}
			}
		}
	}
	for _, k := range []psa.Kind{psa.AlgECDSAAny, psa.AlgRSAPKCS1v15SignRaw} {
		for _, n := range []int{0, 1, 100} {
			if err := psa.CheckHashLength(psa.Algorithm{Kind: k}, make([]byte, n)); err != nil {
				t.Errorf("%v with %d bytes: %v", k, n, err)
			}
		}
	}
}

// TestHashes: sizes are those of the standard library where it knows the hash.
func TestHashes(t *testing.T) {
	for h := range 256 {
		h := psa.Hash(h)
		if known := h >= psa.HashMD2 && h <= psa.HashSHA3512; known != (h.Size() != 0) {
			t.Errorf("%v has %d bytes", h, h.Size())
		}
		if std := h.Std(); std != 0 && std.Size() != h.Size() {
			t.Errorf("%v has %d bytes, the standard library says %d", h, h.Size(), std.Size())
		}
	}
}

func TestValid(t *testing.T) {
	alg := func(a psa.Algorithm) psa.Attributes { return psa.Attributes{Type: psa.KeyRawData, Alg: a} }
	for name, a := range map[string]psa.Attributes{
		"type 0":              {},
		"type 15":             {Type: 15},
		"curve of AES":        {Type: psa.KeyAES, Curve: 1},
		"no curve":            {Type: psa.KeyECCPair},
		"curve 10":            {Type: psa.KeyECCPublic, Curve: 10},
		"group 1":             {Type: psa.KeyDHPair, Group: 1},
		"usage bit 10":        {Type: psa.KeyAES, Usage: 1 << 10},
		"kind 2":              alg(psa.Algorithm{Kind: 2}),
		"kind 0xff":           alg(psa.Algorithm{Kind: 0xff}),
		"ECDSA without hash":  alg(psa.Algorithm{Kind: psa.AlgECDSA}),
		"HMAC of any":         alg(psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashAny}),
		"hash 16":             alg(psa.Algorithm{Kind: psa.AlgECDSA, Hash: 16}),
		"GCM with hash":       alg(psa.Algorithm{Kind: psa.AlgGCM, Hash: psa.HashSHA256}),
		"truncated signature": alg(psa.Algorithm{Kind: psa.AlgECDSAAny, Truncated: true}),
		"length, untruncated": alg(psa.Algorithm{Kind: psa.AlgGCM, Length: 8}),
		"KDF of GCM":          alg(psa.Algorithm{Kind: psa.AlgGCM, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256}),
		"KDF is a MAC":        alg(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgCMAC, KDFHash: psa.HashSHA256}),
		"KDF without hash":    alg(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF}),
		"KDF of any":          alg(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashAny}),
		"hash without KDF":    alg(psa.Algorithm{Kind: psa.AlgECDH, KDFHash: psa.HashSHA256}),
	} {
		if err := a.Valid(); !errors.Is(err, wire.StatusInvalidEncoding) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ed := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA}}
	if err := ed.Valid(); err != nil {
		t.Errorf("Ed25519: %v", err)
	}
}

// TestPermitsIsNarrow: whatever a policy permits is of its own scheme and names a hash
// that exists.
func TestPermitsIsNarrow(t *testing.T) {
	all := algorithms()
	rapid.Check(t, func(rt *rapid.T) {
		policy, op := rapid.SampledFrom(all).Draw(rt, "policy"), rapid.SampledFrom(all).Draw(rt, "operation")
		if !policy.Permits(op) {
			if policy == op && op.Hash != psa.HashAny {
				rt.Fatalf("%v does not permit itself", op)
			}
			return
		}
		same := policy
		same.Hash = op.Hash
		if same.Kind.AEAD() && same.Length == 16 && !op.Truncated {
			same.Truncated, same.Length = false, 0
		}
		if same != op || op.Hash == psa.HashAny || policy.Hash != op.Hash && policy.Hash != psa.HashAny {
			rt.Fatalf("policy %v permits %v", policy, op)
		}
	})
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny}.String():                        "ecdsa:any",
		psa.Algorithm{Kind: psa.AlgGCM, Truncated: true, Length: 8}.String():                 "gcm:8",
		psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256}.String(): "ecdh:hkdf:sha256",
		psa.Algorithm{}.String():     "none",
		psa.KeyType(15).String():     "key type 15",
		psa.Curve(10).String():       "curve family 10",
		psa.CurveEdwards.String():    "twisted-edwards",
		psa.Group(1).String():        "group family 1",
		psa.GroupRFC7919.String():    "rfc7919",
		psa.Kind(2).String():         "algorithm 2",
		psa.Hash(16).String():        "hash 16",
		psa.Check(5).String():        "check 5",
		psa.CheckGenerate.String():   "generate",
		psa.KeyRSAPublic.String():    "rsa-public",
		psa.CurveMontgomery.String(): "montgomery",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := psa.UsageAll.Names(); len(got) != 10 || got[9] != "derive" {
		t.Errorf("all flags are %v", got)
	}
	if got := psa.Usage(0).Names(); got == nil || len(got) != 0 {
		t.Errorf("no flags are %v", got)
	}
}
