package providertest

import (
	"context"
	"crypto"
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

func testRefusals(t *testing.T, c Config) {
	p := c.New(t)
	u := user{t: t, p: p, name: "refusals"}
	g := generator(t, p)
	for _, typ := range []psa.KeyType{psa.KeyRSAPublic, psa.KeyECCPublic} {
		attrs := psa.Attributes{Type: typ, Bits: 2048}
		if typ.ECC() {
			attrs.Curve, attrs.Bits = psa.CurveSECPR1, 256
		}
		_, err := g.GenerateKey(t.Context(), attrs)
		u.status("generate a public type", err, wire.StatusInvalidArgument)
	}
	key := c.key(t, p, c.simplest(t, p))
	for _, id := range []providers.KeyID{nil, {1}, append([]byte{0}, key.ID...)} {
		foreign := providers.Key{ID: id, Attributes: key.Attributes}
		if e, ok := p.(providers.PublicExporter); ok {
			_, err := e.ExportPublicKey(t.Context(), foreign)
			u.status("use an id of another provider", err, wire.StatusInvalidEncoding)
		}
		if d, ok := p.(providers.Destroyer); ok {
			u.status("destroy an id of another provider", d.DestroyKey(t.Context(), foreign), wire.StatusInvalidEncoding)
		}
	}
	if i, ok := p.(providers.Importer); ok {
		_, err := i.ImportKey(t.Context(), psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECPR1, Bits: 256}, random(65))
		u.status("import a point that is not on the curve", err, wire.StatusInvalidArgument)
		_, err = i.ImportKey(t.Context(), psa.Attributes{Type: psa.KeyRSAPublic, Bits: 2048}, random(270))
		u.status("import rubbish", err, wire.StatusInvalidArgument)
	}
	if a, ok := p.(providers.Advisor); ok {
		for _, original := range []bool{true, false} {
			err := a.CanDo(providers.Capability{Check: psa.CheckDerive, Attributes: key.Attributes, Original: original})
			u.status("ask for derivation", err, wire.StatusNotSupported)
		}
	}
}

func testHash(t *testing.T, p providers.Provider) {
	h, ok := p.(providers.HashComputer)
	if !ok {
		return
	}
	u := user{t: t, p: p, name: "hash"}
	for alg := psa.HashMD2; alg <= psa.HashSHA3512; alg++ {
		for _, input := range [][]byte{nil, random(1), random(1000)} {
			got, err := h.HashCompute(t.Context(), alg, input)
			if wire.StatusOf(err) == wire.StatusNotSupported {
				break
			}
			if u.status(alg.String(), err, wire.StatusSuccess) {
				u.equal(alg.String(), got, standardHash(alg.Std(), input))
			}
		}
	}
	_, err := h.HashCompute(t.Context(), psa.HashSHA256, nil)
	u.status("sha256", err, wire.StatusSuccess)
	for _, alg := range []psa.Hash{psa.HashNone, psa.HashAny, psa.HashSHA3512 + 1} {
		_, err := h.HashCompute(t.Context(), alg, nil)
		u.status(alg.String(), err, wire.StatusNotSupported)
	}
}

func standardHash(alg crypto.Hash, input []byte) []byte {
	if !alg.Available() {
		return nil
	}
	h := alg.New()
	h.Write(input)
	return h.Sum(nil)
}

func testRandom(t *testing.T, c Config) {
	p := c.New(t)
	r, ok := p.(providers.Randomizer)
	if !ok {
		return
	}
	large := 300_000
	if c.RandomBytes != 0 {
		large = c.RandomBytes
	}
	seen := map[string]bool{}
	for _, n := range []int{0, 1, 16, 65, large, large} {
		b := make([]byte, n)
		if err := r.Random(t.Context(), b); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		for end := range n / 16 {
			block := string(b[16*end : 16*end+16])
			if seen[block] {
				t.Fatalf("%x occurs twice", block)
			}
			seen[block] = true
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Random(cancelled, make([]byte, large)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that gave up: %v", err)
	}
}
