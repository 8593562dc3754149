package material_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// adviceAlgorithms are the policies of testdata/can-do-crypto.json in its order.
var adviceAlgorithms = []psa.Algorithm{
	{},
	{Kind: psa.AlgHash, Hash: psa.HashSHA256},
	{Kind: psa.AlgHMAC, Hash: psa.HashSHA256},
	{Kind: psa.AlgHMAC, Hash: psa.HashMD2},
	{Kind: psa.AlgCMAC},
	{Kind: psa.AlgCBCMAC},
	{Kind: psa.AlgCMAC, Truncated: true, Length: 8},
	{Kind: psa.AlgStreamCipher},
	{Kind: psa.AlgCTR},
	{Kind: psa.AlgCFB},
	{Kind: psa.AlgOFB},
	{Kind: psa.AlgXTS},
	{Kind: psa.AlgECBNoPadding},
	{Kind: psa.AlgCBCNoPadding},
	{Kind: psa.AlgCBCPKCS7},
	{Kind: psa.AlgCCM},
	{Kind: psa.AlgGCM},
	{Kind: psa.AlgChaCha20Poly1305},
	{Kind: psa.AlgGCM, Truncated: true, Length: 5},
	{Kind: psa.AlgGCM, Truncated: true, Length: 20},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashAny},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA1},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA512256},
	{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashMD2},
	{Kind: psa.AlgRSAPKCS1v15SignRaw},
	{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
	{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	{Kind: psa.AlgECDSA, Hash: psa.HashAny},
	{Kind: psa.AlgECDSA, Hash: psa.HashMD2},
	{Kind: psa.AlgECDSAAny},
	{Kind: psa.AlgDeterministicECDSA, Hash: psa.HashSHA256},
	{Kind: psa.AlgRSAPKCS1v15Crypt},
	{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256},
	{Kind: psa.AlgRSAOAEP, Hash: psa.HashMD2},
	{Kind: psa.AlgFFDH},
	{Kind: psa.AlgECDH},
	{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256},
	{Kind: psa.AlgHKDF, Hash: psa.HashSHA256},
}

// adviceUsages are the sets of usage flags of the file in its order.
var adviceUsages = []psa.Usage{
	0, psa.UsageExport, psa.UsageSignHash, psa.UsageSignMessage, psa.UsageVerifyMessage, psa.UsageEncrypt, psa.UsageDerive, psa.UsageAll,
}

var adviceChecks = []psa.Check{psa.CheckUse, psa.CheckGenerate, psa.CheckImport}

type advice struct {
	Algorithms []string           `json:"algorithms"`
	Usages     [][]string         `json:"usages"`
	Keys       map[string]hexBits `json:"keys"`
}

type hexBits string

func (h hexBits) bit(i int) bool {
	return strings.IndexByte("0123456789abcdef", h[i/4])>>(3-i%4)&1 == 1
}

func readAdvice(t *testing.T) advice {
	t.Helper()
	raw, err := os.ReadFile("testdata/can-do-crypto.json")
	if err != nil {
		t.Fatal(err)
	}
	var a advice
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	for i, alg := range adviceAlgorithms {
		if alg.String() != a.Algorithms[i] {
			t.Fatalf("algorithm %d of the file is %s, not %s", i, a.Algorithms[i], alg)
		}
	}
	for i, u := range adviceUsages {
		if !slices.Equal(u.Names(), a.Usages[i]) {
			t.Fatalf("usage %d of the file is %v, not %v", i, a.Usages[i], u.Names())
		}
	}
	return a
}

// keyOf parses a key of the file: type, curve family, bits.
func keyOf(t *testing.T, s string) psa.Attributes {
	t.Helper()
	var typ, family string
	var a psa.Attributes
	if _, err := fmt.Sscan(s, &typ, &family, &a.Bits); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	for a.Type.String() != typ {
		a.Type++
	}
	for a.Curve.String() != family {
		a.Curve++
	}
	return a
}

// eachQuestion calls f with every question of the file and the original's answer.
func eachQuestion(t *testing.T, f func(check psa.Check, a psa.Attributes, original bool)) {
	t.Helper()
	file := readAdvice(t)
	for name, answers := range file.Keys {
		a := keyOf(t, name)
		i := 0
		for _, a.Alg = range adviceAlgorithms {
			for _, a.Usage = range adviceUsages {
				for _, c := range adviceChecks {
					f(c, a, answers.bit(i))
					i++
				}
			}
		}
	}
}

// intended names the row of Advise's table that explains an answer other than the
// original's, or returns "".
func intended(check psa.Check, a psa.Attributes) string {
	switch {
	case a.Curve == psa.CurveSECPR1 && a.Bits == 384, a.Type.RSA() && a.Bits == 3072:
		return "fixed size table"
	case a.Curve == psa.CurveSECPR1 && a.Bits == 284:
		return "misprint"
	case check == psa.CheckGenerate && a.Bits == 0:
		return "generation without a size"
	case slices.Contains(impossible, [3]any{pairOf(a.Type), a.Curve, a.Bits}), unimplementedFamily(a.Curve):
		return "size or curve that no key has"
	}
	return ""
}

// impossible lists the sizes of the file that no key can have and the original advises.
var impossible = [][3]any{
	{psa.KeyRawData, psa.CurveNone, uint64(7)},
	{psa.KeyRawData, psa.CurveNone, uint64(70000)},
	{psa.KeyAES, psa.CurveNone, uint64(77)},
	{psa.KeyChaCha20, psa.CurveNone, uint64(128)},
	{psa.KeyARC4, psa.CurveNone, uint64(128)},
	{psa.KeyDHPair, psa.CurveNone, uint64(1000)},
	{psa.KeyECCPair, psa.CurveSECPK1, uint64(224)},
	{psa.KeyECCPair, psa.CurveBrainpoolPR1, uint64(320)},
}

func pairOf(t psa.KeyType) psa.KeyType {
	switch t {
	case psa.KeyECCPublic:
		return psa.KeyECCPair
	case psa.KeyDHPublic:
		return psa.KeyDHPair
	default:
		return t
	}
}

func unimplementedFamily(c psa.Curve) bool {
	switch c {
	case psa.CurveSECPR2, psa.CurveSECTK1, psa.CurveSECTR1, psa.CurveSECTR2, psa.CurveFRP:
		return true
	default:
		return false
	}
}

// Callers of the original's world see the original's answers but for the differences that
// Advise documents.
func TestAdviseOriginal(t *testing.T) {
	differences := map[string]int{}
	eachQuestion(t, func(c psa.Check, a psa.Attributes, want bool) {
		err := material.Advise(providers.Capability{Check: c, Attributes: a, Original: true})
		if err != nil && wire.StatusOf(err) != wire.StatusNotSupported {
			t.Errorf("%s of %s: %v", c, describe(a), err)
		}
		if (err == nil) == want {
			return
		}
		why := intended(c, a)
		if why == "" {
			t.Errorf("%s of %s: we say %t, the original %t", c, describe(a), err == nil, want)
		}
		differences[why]++
	})
	t.Log(differences)
}

func describe(a psa.Attributes) string {
	return fmt.Sprintf("%s %s %d %s %v", a.Type, a.Curve, a.Bits, a.Alg, a.Usage.Names())
}

// Derivation is never possible, nor what is not a question.
func TestAdviseDerive(t *testing.T) {
	for _, c := range []psa.Check{psa.CheckNone, psa.CheckDerive, 9} {
		for _, original := range []bool{true, false} {
			a := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageAll, Alg: psa.Algorithm{Kind: psa.AlgECDH}}
			if err := material.Advise(providers.Capability{Check: c, Attributes: a, Original: original}); status(err) != 1134 {
				t.Errorf("%s: %v", c, err)
			}
		}
	}
}

// What is advised to callers of our own world is true: a key that can be generated is
// generated, parsed and used, and one that cannot be generated is refused.
func TestAdviseTruth(t *testing.T) {
	seen := map[string]error{}
	eachQuestion(t, func(c psa.Check, a psa.Attributes, _ bool) {
		err := material.Advise(providers.Capability{Check: c, Attributes: a})
		if c != psa.CheckGenerate || a.Alg.Kind != psa.AlgNone || a.Usage != psa.UsageAll || a.Type == psa.KeyDHPair && a.Bits > 2048 {
			return
		}
		_, really := material.Generate(a)
		seen[describe(a)] = really
		if (err == nil) != (really == nil) {
			t.Errorf("%s of %s: advised %v, really %v", c, describe(a), err, really)
		}
	})
	if len(seen) < 100 {
		t.Errorf("only %d keys tried", len(seen))
	}
}

// A key whose use is advised does what its algorithm is for.
func TestAdviseUse(t *testing.T) {
	keys := map[string][]byte{}
	eachQuestion(t, func(c psa.Check, a psa.Attributes, _ bool) {
		if c != psa.CheckUse || a.Usage != psa.UsageAll || a.Type.Public() || a.Type == psa.KeyDHPair && a.Bits > 2048 || a.Bits == 0 {
			return
		}
		advised := material.Advise(providers.Capability{Check: c, Attributes: a}) == nil
		name := fmt.Sprint(a.Type, a.Curve, a.Bits)
		if _, tried := keys[name]; !tried {
			keys[name], _ = material.Generate(a)
		}
		if keys[name] == nil {
			if advised {
				t.Errorf("use of %s is advised, but there is no such key", describe(a))
			}
			return
		}
		k, err := material.New(a, keys[name])
		if err != nil {
			t.Fatalf("%s: %v", describe(a), err)
		}
		if a.Alg.Hash == psa.HashAny {
			a.Alg.Hash = psa.HashSHA512
		}
		if err := attempt(k, a.Alg); (err == nil) != advised {
			t.Errorf("use of %s is advised: %t; really: %v", describe(a), advised, err)
		}
	})
}

// attempt makes the private operation of an algorithm.
func attempt(k *material.Key, alg psa.Algorithm) error {
	text := []byte("sixteen byte blk")
	var err error
	switch kind := alg.Kind; {
	case kind.Signature():
		_, err = k.SignHash(alg, make([]byte, alg.Hash.Size()))
	case kind.Encryption():
		_, err = k.Encrypt(alg, text, nil)
	case kind.AEAD():
		_, err = k.Seal(alg, providers.AEADInput{Nonce: make([]byte, 12), Data: text})
	case kind.Cipher():
		_, err = k.CipherEncrypt(alg, text)
	case kind.MAC():
		_, err = k.MAC(alg, text)
	case kind.Agreement() && alg.KDF == psa.AlgNone:
		var pub []byte
		if pub, err = k.Public(); err == nil {
			_, err = k.Agree(alg, pub)
		}
	default:
		err = wire.StatusNotSupported
	}
	return err
}
