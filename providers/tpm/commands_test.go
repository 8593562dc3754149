package tpm_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestCommandsOfASignature: a key is loaded once, and every signature is one command in the
// session that is there already.
func TestCommandsOfASignature(t *testing.T) {
	r := tpmtest.NewRelay(t, tpmtest.Start(t))
	var mu sync.Mutex
	var sent []tpm2.TPMCC
	r.Intercept = func(command []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, tpm2.TPMCC(tpmtest.Code(command)))
		return nil, nil
	}
	p := open(t, tpm.Options{TCTI: r.TCTI()})
	take := func() []tpm2.TPMCC {
		mu.Lock()
		defer mu.Unlock()
		all := sent
		sent = nil
		return all
	}
	signs := func(k providers.Key) {
		t.Helper()
		if _, err := p.SignHash(t.Context(), k, k.Attributes.Alg, make([]byte, 32)); err != nil {
			t.Error(err)
		}
	}
	keys := []providers.Key{providertest.Generate(t, p, ecc(256)), providertest.Generate(t, p, ecc(256))}
	for _, k := range keys {
		signs(k) // loads it, and the TPM may test itself
	}
	take()
	for range 3 {
		for _, k := range keys {
			signs(k)
		}
	}
	if got, want := take(), slices.Repeat([]tpm2.TPMCC{tpm2.TPMCCSign}, 6); !slices.Equal(got, want) {
		t.Errorf("6 signatures took the commands %x, want %x", got, want)
	}
}
