package material_test

import (
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

func TestAEADNonceAndTag(t *testing.T) {
	nonces := map[psa.Kind]map[int]int{
		psa.AlgGCM:              {0: 1135, 1: 0, 6: 0, 7: 0, 8: 0, 11: 0, 12: 0, 13: 0, 14: 0, 16: 0, 100: 0},
		psa.AlgCCM:              {0: 1135, 1: 1135, 6: 1135, 7: 0, 8: 0, 11: 0, 12: 0, 13: 0, 14: 1135, 16: 1135, 100: 1135},
		psa.AlgChaCha20Poly1305: {0: 1135, 1: 1135, 6: 1135, 7: 1135, 8: 1134, 11: 1135, 12: 0, 13: 1135, 14: 1135, 16: 1135, 100: 1135},
	}
	tags := map[psa.Kind]map[uint64]int{
		psa.AlgGCM:              {0: 1135, 1: 1135, 3: 1135, 4: 0, 5: 0, 9: 0, 15: 0, 16: 0, 17: 1135, 63: 1135, 64: 1135, 70000: 1135},
		psa.AlgCCM:              {0: 1135, 2: 1135, 3: 1135, 4: 0, 5: 1135, 6: 0, 9: 1135, 14: 0, 15: 1135, 16: 0, 17: 1135, 256: 1135},
		psa.AlgChaCha20Poly1305: {0: 1134, 4: 1134, 12: 1134, 15: 1134, 16: 0, 17: 1134, 255: 1134},
	}
	for _, c := range []struct {
		typ  psa.KeyType
		bits uint64
		kind psa.Kind
	}{
		{psa.KeyAES, 128, psa.AlgGCM},
		{psa.KeyAES, 192, psa.AlgCCM},
		{psa.KeyCamellia, 256, psa.AlgGCM},
		{psa.KeyCamellia, 128, psa.AlgCCM},
		{psa.KeyChaCha20, 256, psa.AlgChaCha20Poly1305},
	} {
		k := newKey(t, psa.Attributes{Type: c.typ, Bits: c.bits})
		alg := psa.Algorithm{Kind: c.kind}
		for n, want := range nonces[c.kind] {
			in := providers.AEADInput{Nonce: make([]byte, n), AdditionalData: []byte("ad"), Data: []byte("plaintext")}
			sealed, err := k.Seal(alg, in)
			if status(err) != want {
				t.Errorf("%s %s, nonce of %d bytes: %v, want %d", c.typ, alg, n, err, want)
			}
			in.Data = slices.Concat(sealed, make([]byte, 30-len(sealed)))
			if want == 0 {
				want = 1149
			}
			if _, err := k.Open(alg, in); status(err) != want {
				t.Errorf("%s open %s, nonce of %d bytes: %v, want %d", c.typ, alg, n, err, want)
			}
		}
		for n, want := range tags[c.kind] {
			tagged(t, k, psa.Algorithm{Kind: c.kind, Truncated: true, Length: n}, want)
		}
		tagged(t, k, alg, 0)
		if _, err := k.Seal(alg, providers.AEADInput{Nonce: make([]byte, 12)}); status(err) != 1135 {
			t.Errorf("%s, empty plaintext: %v", alg, err)
		}
	}
}

// tagged seals, opens, and opens what is not right.
func tagged(t *testing.T, k *material.Key, alg psa.Algorithm, want int) {
	t.Helper()
	size := 16
	if alg.Truncated {
		size = int(alg.Length)
	}
	in := providers.AEADInput{Nonce: make([]byte, 12), AdditionalData: []byte("ad"), Data: []byte("plain")}
	sealed, err := k.Seal(alg, in)
	if status(err) != want {
		t.Errorf("%s: %v, want %d", alg, err, want)
	}
	if err != nil {
		return
	}
	if len(sealed) != len(in.Data)+size {
		t.Errorf("%s: %d bytes", alg, len(sealed))
	}
	open := func(nonce, ad, data []byte) ([]byte, error) {
		return k.Open(alg, providers.AEADInput{Nonce: nonce, AdditionalData: ad, Data: data})
	}
	got, err := open(in.Nonce, in.AdditionalData, sealed)
	same(t, alg.String(), got, in.Data, err)
	for i := range sealed {
		bad := slices.Clone(sealed)
		bad[i] ^= 0x80
		if p, err := open(in.Nonce, in.AdditionalData, bad); status(err) != 1149 || p != nil {
			t.Errorf("%s, byte %d changed: %x, %v", alg, i, p, err)
		}
	}
	other := slices.Clone(in.Nonce)
	other[0] = 1
	for name, try := range map[string][3][]byte{
		"other nonce": {other, in.AdditionalData, sealed}, "other ad": {in.Nonce, []byte("xx"), sealed}, "no ad": {in.Nonce, nil, sealed},
	} {
		if _, err := open(try[0], try[1], try[2]); status(err) != 1149 {
			t.Errorf("%s, %s: %v", alg, name, err)
		}
	}
	for _, n := range []int{0, 1, size - 1} {
		if _, err := open(in.Nonce, in.AdditionalData, sealed[:n]); status(err) != 1135 {
			t.Errorf("%s of %d bytes: %v", alg, n, err)
		}
	}
}

// CCM with a long nonce has a short counter.
func TestCCMLimit(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	ccm := psa.Algorithm{Kind: psa.AlgCCM}
	for n, want := range map[int]int{65535: 0, 65536: 1135} {
		in := providers.AEADInput{Nonce: make([]byte, 13), Data: make([]byte, n), AdditionalData: make([]byte, 70000)}
		if _, err := k.Seal(ccm, in); status(err) != want {
			t.Errorf("%d bytes: %v, want %d", n, err, want)
		}
	}
}
