package material_test

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func TestEncryptLengths(t *testing.T) {
	k, v15 := rsaKey(t, 1024), psa.Algorithm{Kind: psa.AlgRSAPKCS1v15Crypt}
	for n, want := range map[int]int{0: 1135, 1: 0, 117: 0, 118: 1135, 128: 1135, 129: 1135} {
		if _, err := k.Encrypt(v15, make([]byte, n), nil); status(err) != want {
			t.Errorf("v1.5, %d bytes: %v, want %d", n, err, want)
		}
	}
	if _, err := k.Encrypt(v15, []byte("x"), []byte("salt")); status(err) != 1135 {
		t.Errorf("v1.5 with a salt: %v", err)
	}
	oaep := psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}
	for _, alg := range []psa.Algorithm{v15, oaep} {
		for n, want := range map[int]int{0: 1135, 1: 1135, 127: 1135, 128: 1150, 129: 1135} {
			if _, err := k.Decrypt(alg, bytes.Repeat([]byte{1}, n), nil); status(err) != want {
				t.Errorf("decrypt %s, %d bytes: %v, want %d", alg, n, err, want)
			}
		}
		if _, err := k.Decrypt(alg, bytes.Repeat([]byte{0xff}, 128), nil); status(err) != 1135 {
			t.Errorf("decrypt %s above the modulus: %v", alg, err)
		}
	}
	if _, err := k.Decrypt(psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA512}, make([]byte, 128), nil); status(err) != 1135 {
		t.Errorf("a key that is too small for the hash: %v", err)
	}
}

func TestOAEP(t *testing.T) {
	k := rsaKey(t, 2048)
	for h, s := range hashStatus {
		alg := psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: h}
		if s != 0 {
			s = 1135 // the original's word for it
			if _, err := k.Decrypt(alg, make([]byte, 256), nil); status(err) != s {
				t.Errorf("decrypt %s: %v, want %d", alg, err, s)
			}
		}
		largest := bytes.Repeat([]byte{7}, 254-2*h.Size())
		c, err := k.Encrypt(alg, largest, []byte("label"))
		if status(err) != s {
			t.Errorf("%s: %v, want %d", alg, err, s)
		}
		if err != nil {
			continue
		}
		if _, err := k.Encrypt(alg, append(largest, 7), nil); status(err) != 1135 {
			t.Errorf("%s, too long: %v", alg, err)
		}
		p, err := k.Decrypt(alg, c, []byte("label"))
		same(t, alg.String(), p, largest, err)
		for _, label := range [][]byte{nil, []byte("other")} {
			if _, err := k.Decrypt(alg, c, label); status(err) != 1150 {
				t.Errorf("%s, label %q: %v", alg, label, err)
			}
		}
		c[100] ^= 1
		if _, err := k.Decrypt(alg, c, []byte("label")); status(err) != 1150 {
			t.Errorf("%s, tampered: %v", alg, err)
		}
	}
}
