package psa_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func marshal(t testing.TB, m proto.Message) string {
	t.Helper()
	b, err := psa.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

// TestWorkedEncodings holds the worked encodings of section 3.3.
func TestWorkedEncodings(t *testing.T) {
	for _, c := range []struct {
		alg  psa.Algorithm
		want string
	}{
		{psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256}, "22040a021007"},
		{psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashSHA256}, "0a040a021007"},
		{psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Sign, Hash: psa.HashAny}, "0a040a020a00"},
	} {
		m, err := psa.EncodeSignature(c.alg)
		if err != nil || marshal(t, m) != c.want {
			t.Errorf("%v: %x, %v, want %s", c.alg, marshal(t, m), err, c.want)
		}
		in := &psapb.AsymmetricSignature{}
		if err := psa.Unmarshal(unhex(t, c.want), in); err != nil {
			t.Fatal(err)
		}
		if got, err := psa.DecodeSignature(in); err != nil || got != c.alg {
			t.Errorf("%s: %v, %v, want %v", c.want, got, err, c.alg)
		}
	}
	sent := unhex(t, "0a045a020802"+"108002"+"1a100a0440014801"+"1208320622040a021007")
	m := &psapb.KeyAttributes{}
	if err := psa.Unmarshal(sent, m); err != nil {
		t.Fatal(err)
	}
	got, err := psa.DecodeAttributes(m)
	want := psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256,
		Usage: psa.UsageSignHash | psa.UsageVerifyHash | psa.UsageSignMessage | psa.UsageVerifyMessage,
		Alg:   psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatalf("%v, %s", err, diff)
	}
	listed, err := psa.EncodeAttributes(got)
	if err != nil {
		t.Fatal(err)
	}
	const back = "0a045a020802" + "108002" + "1a140a083001380140014801" + "1208320622040a021007"
	if marshal(t, listed) != back {
		t.Errorf("ListKeys returns %s, want %s", marshal(t, listed), back)
	}
}

// algorithms is every algorithm that the original's messages can hold; numbers of bytes
// are sampled.
func algorithms() []psa.Algorithm {
	all := []psa.Algorithm{{}, {Kind: psa.AlgRSAPKCS1v15SignRaw}, {Kind: psa.AlgECDSAAny}, {Kind: psa.AlgRSAPKCS1v15Crypt}}
	var specific []psa.Hash
	for h := psa.HashMD2; h <= psa.HashSHA3512; h++ {
		specific = append(specific, h)
	}
	each := func(kinds []psa.Kind, hashes ...psa.Hash) {
		for _, k := range kinds {
			for _, h := range hashes {
				all = append(all, psa.Algorithm{Kind: k, Hash: h})
			}
		}
	}
	kdfs := []psa.Kind{psa.AlgHKDF, psa.AlgTLS12PRF, psa.AlgTLS12PSKToMS}
	each([]psa.Kind{psa.AlgHash, psa.AlgHMAC, psa.AlgRSAOAEP}, specific...)
	each(kdfs, specific...)
	each([]psa.Kind{psa.AlgRSAPKCS1v15Sign, psa.AlgRSAPSS, psa.AlgECDSA, psa.AlgDeterministicECDSA}, append(specific, psa.HashAny)...)
	each([]psa.Kind{
		psa.AlgCBCMAC, psa.AlgCMAC, psa.AlgStreamCipher, psa.AlgCTR, psa.AlgCFB, psa.AlgOFB, psa.AlgXTS, psa.AlgECBNoPadding,
		psa.AlgCBCNoPadding, psa.AlgCBCPKCS7, psa.AlgCCM, psa.AlgGCM, psa.AlgChaCha20Poly1305, psa.AlgFFDH, psa.AlgECDH,
	}, psa.HashNone)
	for _, a := range all {
		if a.Kind.MAC() || a.Kind.AEAD() {
			for _, n := range []uint64{0, 1, 16, 1<<32 - 1} {
				all = append(all, psa.Algorithm{Kind: a.Kind, Hash: a.Hash, Truncated: true, Length: n})
			}
		}
	}
	for _, ka := range []psa.Kind{psa.AlgFFDH, psa.AlgECDH} {
		for _, kdf := range kdfs {
			for _, h := range specific {
				all = append(all, psa.Algorithm{Kind: ka, KDF: kdf, KDFHash: h})
			}
		}
	}
	return all
}

func TestEveryAlgorithmRoundTrips(t *testing.T) {
	seen := map[string]psa.Algorithm{}
	for _, want := range algorithms() {
		if err := want.Valid(); err != nil {
			t.Errorf("%v: %v", want, err)
		}
		m, err := psa.EncodeAlgorithm(want)
		if err != nil {
			t.Fatalf("%v: %v", want, err)
		}
		bytes := marshal(t, m)
		if twin, ok := seen[bytes]; ok {
			t.Errorf("%v and %v are both %s", twin, want, bytes)
		}
		seen[bytes] = want
		in := &psapb.Algorithm{}
		if err := psa.Unmarshal(unhex(t, bytes), in); err != nil {
			t.Fatal(err)
		}
		if got, err := psa.DecodeAlgorithm(in); err != nil || got != want {
			t.Errorf("%v becomes %v, %v", want, got, err)
		}
	}
	if len(seen) < 250 {
		t.Errorf("only %d algorithms", len(seen))
	}
}

func genAttributes() *rapid.Generator[psa.Attributes] {
	algs := algorithms()
	return rapid.Custom(func(t *rapid.T) psa.Attributes {
		a := psa.Attributes{
			Type:  psa.KeyType(rapid.IntRange(1, 14).Draw(t, "type")),
			Bits:  uint64(rapid.Uint32().Draw(t, "bits")),
			Usage: psa.Usage(rapid.IntRange(0, int(psa.UsageAll)).Draw(t, "usage")).Expand(),
			Alg:   rapid.SampledFrom(algs).Draw(t, "algorithm"),
		}
		if a.Type.ECC() {
			a.Curve = psa.Curve(rapid.IntRange(1, 9).Draw(t, "curve"))
		}
		return a
	})
}

func TestAttributesRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := genAttributes().Draw(rt, "attributes")
		if err := want.Valid(); err != nil {
			rt.Fatal(err)
		}
		m, err := psa.EncodeAttributes(want)
		if err != nil {
			rt.Fatal(err)
		}
		in := &psapb.KeyAttributes{}
		if err := psa.Unmarshal(unhex(t, marshal(t, m)), in); err != nil {
			rt.Fatal(err)
		}
		if got, err := psa.DecodeAttributes(in); err != nil || got != want {
			rt.Fatalf("%+v becomes %+v, %v", want, got, err)
		}
	})
}

func TestInexpressible(t *testing.T) {
	plain := psa.Attributes{Type: psa.KeyAES, Bits: 128}
	with := func(change func(*psa.Attributes)) psa.Attributes { a := plain; change(&a); return a }
	for name, a := range map[string]psa.Attributes{
		"Ed25519":        {Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255},
		"no curve":       {Type: psa.KeyECCPair},
		"no type":        {},
		"type 15":        {Type: 15},
		"too many bits":  with(func(a *psa.Attributes) { a.Bits = 1 << 32 }),
		"EdDSA":          with(func(a *psa.Attributes) { a.Alg.Kind = psa.AlgPureEdDSA }),
		"algorithm 2":    with(func(a *psa.Attributes) { a.Alg.Kind = 2 }),
		"KDF 2":          with(func(a *psa.Attributes) { a.Alg = psa.Algorithm{Kind: psa.AlgECDH, KDF: 2} }),
		"long MAC":       with(func(a *psa.Attributes) { a.Alg = psa.Algorithm{Kind: psa.AlgCMAC, Truncated: true, Length: 1 << 32} }),
		"long AEAD tag":  with(func(a *psa.Attributes) { a.Alg = psa.Algorithm{Kind: psa.AlgGCM, Truncated: true, Length: 1 << 32} }),
		"algorithm 0xff": with(func(a *psa.Attributes) { a.Alg.Kind = 0xff }),
	} {
		if m, err := psa.EncodeAttributes(a); !errors.Is(err, wire.StatusSerializingBody) || m != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	for _, k := range []psa.Kind{psa.AlgNone, psa.AlgHash, psa.AlgPureEdDSA} {
		a := psa.Algorithm{Kind: k}
		if psa.EncodeCipher(a) != 0 || psa.EncodeRawAgreement(a) != 0 {
			t.Errorf("%v is a cipher or an agreement", a)
		}
		for name, f := range map[string]func(psa.Algorithm) error{
			"AEAD":       func(a psa.Algorithm) error { _, err := psa.EncodeAEAD(a); return err },
			"MAC":        func(a psa.Algorithm) error { _, err := psa.EncodeMAC(a); return err },
			"signature":  func(a psa.Algorithm) error { _, err := psa.EncodeSignature(a); return err },
			"encryption": func(a psa.Algorithm) error { _, err := psa.EncodeEncryption(a); return err },
		} {
			if !errors.Is(f(a), wire.StatusSerializingBody) {
				t.Errorf("%v is an %s", a, name)
			}
		}
	}
	if n := psa.EncodeRawAgreement(psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256}); n != 0 {
		t.Errorf("an agreement that feeds a derivation is raw agreement %d", n)
	}
}
