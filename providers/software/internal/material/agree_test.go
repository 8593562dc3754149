package material_test

import (
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Both sides of an agreement get the same secret, on every curve and group.
func TestAgree(t *testing.T) {
	for _, a := range []psa.Attributes{
		{Curve: psa.CurveSECPK1, Bits: 192},
		{Curve: psa.CurveSECPK1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 192},
		{Curve: psa.CurveSECPR1, Bits: 224},
		{Curve: psa.CurveSECPR1, Bits: 256},
		{Curve: psa.CurveSECPR1, Bits: 384},
		{Curve: psa.CurveSECPR1, Bits: 521},
		{Curve: psa.CurveBrainpoolPR1, Bits: 256},
		{Curve: psa.CurveBrainpoolPR1, Bits: 384},
		{Curve: psa.CurveBrainpoolPR1, Bits: 512},
		{Curve: psa.CurveMontgomery, Bits: 255},
		{Curve: psa.CurveMontgomery, Bits: 448},
		{Bits: 2048},
		{Bits: 3072},
	} {
		alg := psa.Algorithm{Kind: psa.AlgECDH}
		a.Type = psa.KeyECCPair
		if a.Curve == psa.CurveNone {
			a.Type, alg.Kind = psa.KeyDHPair, psa.AlgFFDH
		}
		one, two := newKey(t, a), newKey(t, a)
		pubOne, err := one.Public()
		check(t, "public", err)
		pubTwo, err := two.Public()
		check(t, "public", err)
		s1, err := one.Agree(alg, pubTwo)
		check(t, "agree", err)
		s2, err := two.Agree(alg, pubOne)
		same(t, one.String(), s2, s1, err)
		if want := int(a.Bits+7) / 8; len(s1) != want {
			t.Errorf("%s: a secret of %d bytes, want %d", one, len(s1), want)
		}
		for _, peer := range [][]byte{nil, pubTwo[1:], append(slices.Clone(pubTwo), 0)} {
			if _, err := one.Agree(alg, peer); status(err) != 1135 {
				t.Errorf("%s with a peer of %d bytes: %v", one, len(peer), err)
			}
		}
	}
}
