package material_test

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func TestCipherLengths(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 256})
	enc := map[psa.Kind]map[int]int{
		psa.AlgECBNoPadding: {0: 0, 1: 1135, 16: 0, 17: 1135},
		psa.AlgCBCNoPadding: {0: 0, 15: 1135, 32: 0},
		psa.AlgCBCPKCS7:     {0: 0, 1: 0, 16: 0},
		psa.AlgCTR:          {0: 0, 1: 0},
		psa.AlgXTS:          {0: 1135, 15: 1135, 16: 0, 17: 0},
	}
	for kind, rows := range enc {
		for n, want := range rows {
			if _, err := k.CipherEncrypt(psa.Algorithm{Kind: kind}, make([]byte, n)); status(err) != want {
				t.Errorf("%s of %d bytes: %v, want %d", kind, n, err, want)
			}
		}
	}
	dec := map[psa.Kind]map[int]int{
		psa.AlgECBNoPadding: {0: 0, 1: 1135, 16: 0}, psa.AlgCBCNoPadding: {0: 1135, 15: 1135, 16: 0, 17: 1135, 32: 0},
		psa.AlgCBCPKCS7: {0: 1135, 16: 1135, 17: 1135}, psa.AlgCTR: {15: 1135, 16: 0}, psa.AlgXTS: {16: 1135, 31: 1135, 32: 0},
	}
	for kind, rows := range dec {
		for n, want := range rows {
			if _, err := k.CipherDecrypt(psa.Algorithm{Kind: kind}, make([]byte, n)); status(err) != want {
				t.Errorf("decrypt %s of %d bytes: %v, want %d", kind, n, err, want)
			}
		}
	}
	xts := psa.Algorithm{Kind: psa.AlgXTS}
	if _, err := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128}).CipherEncrypt(xts, make([]byte, 16)); status(err) != 1134 {
		t.Errorf("xts with 128 bits: %v", err)
	}
	if _, err := newKey(t, psa.Attributes{Type: psa.KeyDES, Bits: 192}).CipherEncrypt(xts, make([]byte, 16)); status(err) != 1134 {
		t.Errorf("xts with des: %v", err)
	}
	equal := mustKey(t, psa.Attributes{Type: psa.KeyAES}, make([]byte, 32))
	if _, err := equal.CipherEncrypt(xts, make([]byte, 16)); status(err) != 1135 {
		t.Errorf("xts with equal halves: %v", err)
	}
	camellia := newKey(t, psa.Attributes{Type: psa.KeyCamellia, Bits: 256})
	c, err := camellia.CipherEncrypt(xts, make([]byte, 20))
	check(t, "camellia xts", err)
	p, err := camellia.CipherDecrypt(xts, c)
	same(t, "camellia xts", p, make([]byte, 20), err)
}

// All last bytes are tried: only valid padding is accepted.
func TestPKCS7(t *testing.T) {
	k := newKey(t, psa.Attributes{Type: psa.KeyAES, Bits: 128})
	plain, padded := psa.Algorithm{Kind: psa.AlgCBCNoPadding}, psa.Algorithm{Kind: psa.AlgCBCPKCS7}
	for last := range 256 {
		for spoiled := range 2 {
			block := bytes.Repeat([]byte{byte(last)}, 16)
			good := last >= 1 && last <= 16
			if spoiled == 1 && last > 1 && last <= 16 {
				block[16-last] ^= 1
				good = false
			}
			c, err := k.CipherEncrypt(plain, block)
			check(t, "encrypt", err)
			p, err := k.CipherDecrypt(padded, c)
			if good != (err == nil) || err != nil && status(err) != 1150 || good && len(p) != 16-last {
				t.Errorf("padding of %d, spoiled %d: %d bytes, %v", last, spoiled, len(p), err)
			}
		}
	}
}
