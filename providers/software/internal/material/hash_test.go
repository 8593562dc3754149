package material_test

import (
	"fmt"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// hashStatus is what a signature with the hash answers, as measured on the original.
var hashStatus = map[psa.Hash]int{
	psa.HashMD2: 1134, psa.HashMD4: 1134, psa.HashMD5: 0, psa.HashRIPEMD160: 0, psa.HashSHA1: 0,
	psa.HashSHA224: 0, psa.HashSHA256: 0, psa.HashSHA384: 0, psa.HashSHA512: 0, psa.HashSHA512224: 1134, psa.HashSHA512256: 1134,
	psa.HashSHA3224: 0, psa.HashSHA3256: 0, psa.HashSHA3384: 0, psa.HashSHA3512: 0,
}

func TestHashCompute(t *testing.T) {
	want := map[psa.Hash]string{
		psa.HashMD5:       "900150983cd24fb0d6963f7d28e17f72",
		psa.HashRIPEMD160: "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		psa.HashSHA1:      "a9993e364706816aba3e25717850c26c9cd0d89d",
		psa.HashSHA256:    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		psa.HashSHA3256:   "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
	}
	for h, s := range hashStatus {
		got, err := material.HashCompute(h, []byte("abc"))
		if status(err) != s {
			t.Errorf("%s: %v, want %d", h, err, s)
		}
		if hex, ok := want[h]; ok && fmt.Sprintf("%x", got) != hex {
			t.Errorf("%s: %x", h, got)
		}
		if err == nil && len(got) != h.Size() {
			t.Errorf("%s: %d bytes", h, len(got))
		}
		if empty, err := material.HashCompute(h, nil); status(err) != s || err == nil && len(empty) != h.Size() {
			t.Errorf("%s of nothing: %v", h, err)
		}
	}
	for _, h := range []psa.Hash{psa.HashNone, psa.HashAny, 99} {
		if _, err := material.HashCompute(h, nil); status(err) != 1134 {
			t.Errorf("%s: %v", h, err)
		}
	}
}
