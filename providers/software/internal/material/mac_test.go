package material_test

import (
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

func TestMACTruncation(t *testing.T) {
	hmac := newKey(t, psa.Attributes{Type: psa.KeyHMAC, Bits: 256})
	aes := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	des := newKey(t, psa.Attributes{Type: psa.KeyDES, Bits: 192})
	for _, c := range []struct {
		key  *material.Key
		alg  psa.Algorithm
		full uint64
	}{
		{hmac, psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256}, 32},
		{hmac, psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashMD5}, 16},
		{aes, psa.Algorithm{Kind: psa.AlgCMAC}, 16},
		{aes, psa.Algorithm{Kind: psa.AlgCBCMAC}, 16},
		{des, psa.Algorithm{Kind: psa.AlgCMAC}, 8},
	} {
		msg := make([]byte, 32)
		whole, err := c.key.MAC(c.alg, msg)
		check(t, c.alg.String(), err)
		check(t, c.alg.String(), c.key.VerifyMAC(c.alg, msg, whole))
		if uint64(len(whole)) != c.full {
			t.Errorf("%s: %d bytes", c.alg, len(whole))
		}
		for n, want := range map[uint64]int{0: 1134, 3: 1134, 4: 0, c.full: 0, c.full + 1: 1135, 1 << 40: 1135} {
			alg := c.alg
			alg.Truncated, alg.Length = true, n
			got, err := c.key.MAC(alg, msg)
			if status(err) != want {
				t.Errorf("%s: %v, want %d", alg, err, want)
			}
			if err == nil {
				same(t, alg.String(), got, whole[:n], nil)
				check(t, alg.String(), c.key.VerifyMAC(alg, msg, got))
			} else if err := c.key.VerifyMAC(alg, msg, whole); status(err) != want {
				t.Errorf("verify %s: %v, want %d", alg, err, want)
			}
		}
		for name, mac := range map[string][]byte{"empty": nil, "short": whole[1:], "long": append(slices.Clone(whole), 0), "zeros": make([]byte, len(whole))} {
			if err := c.key.VerifyMAC(c.alg, msg, mac); status(err) != 1149 {
				t.Errorf("%s, %s: %v", c.alg, name, err)
			}
		}
	}
	for n, want := range map[int]int{0: 1135, 15: 1135, 16: 0, 17: 1135} {
		if _, err := aes.MAC(psa.Algorithm{Kind: psa.AlgCBCMAC}, make([]byte, n)); status(err) != want {
			t.Errorf("cbc-mac of %d bytes: %v, want %d", n, err, want)
		}
	}
	for h, want := range hashStatus {
		if _, err := hmac.MAC(psa.Algorithm{Kind: psa.AlgHMAC, Hash: h}, nil); status(err) != want {
			t.Errorf("hmac with %s: %v, want %d", h, err, want)
		}
	}
}
