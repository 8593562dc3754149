package tpm_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// TestSeal: a sealed secret opens on the same TPM, after a restart, with the same PCR, and
// nowhere else.
func TestSeal(t *testing.T) {
	v, root := tpmtest.Start(t), &tpmtest.Memory{}
	p := open(t, tpm.Options{TCTI: v.TCTI(), Root: root})
	key := providertest.Generate(t, p, ecc(256))
	secret := []byte("a root key has thirty-two bytes.")
	plain, err := p.Seal(t.Context(), secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	bound, err := p.Seal(t.Context(), secret, []uint{16, 23})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(plain, secret) || bytes.Contains(bound, secret) {
		t.Error("the secret can be read")
	}
	v.Stop()
	v.Start()
	for range 2 {
		for _, blob := range [][]byte{plain, bound} {
			if got, err := p.Unseal(t.Context(), blob); err != nil || !bytes.Equal(got, secret) {
				t.Errorf("%q, %v", got, err)
			}
		}
		sign(t, p, key)
	}
	other := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	if _, err := other.Unseal(t.Context(), plain); wire.StatusOf(err) != wire.StatusDataCorrupt {
		t.Errorf("another TPM: %v", err)
	}
	for n := range plain {
		bad := bytes.Clone(plain)
		bad[n] ^= 0x10
		if got, err := p.Unseal(t.Context(), bad); err == nil {
			t.Errorf("byte %d changed: %q", n, got)
		}
		if n%16 == 0 {
			if _, err := p.Unseal(t.Context(), plain[:n]); wire.StatusOf(err) != wire.StatusDataCorrupt {
				t.Errorf("%d of %d bytes: %v", n, len(plain), err)
			}
		}
	}
	for _, c := range []struct {
		secret []byte
		pcrs   []uint
	}{{nil, nil}, {make([]byte, 129), nil}, {secret, []uint{24}}} {
		if _, err := p.Seal(t.Context(), c.secret, c.pcrs); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%d bytes, PCR %v: %v", len(c.secret), c.pcrs, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	v.Extend(16)
	p = open(t, tpm.Options{TCTI: v.TCTI(), Root: root})
	if _, err := p.Unseal(t.Context(), bound); wire.StatusOf(err) != wire.StatusNotPermitted || !strings.Contains(err.Error(), "TPM_RC_POLICY_FAIL") {
		t.Errorf("another PCR: %v", err)
	}
	if got, err := p.Unseal(t.Context(), plain); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
}
