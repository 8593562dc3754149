package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

// TestUnpadOAEP takes off what the standard library puts on.
func TestUnpadOAEP(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, std := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384} {
		for _, n := range []int{0, 1, 10, key.Size() - 2*std.Size() - 2} {
			plain := make([]byte, n)
			_, _ = rand.Read(plain)
			ciphertext, err := rsa.EncryptOAEP(std.New(), rand.Reader, &key.PublicKey, plain, []byte("label"))
			if err != nil {
				t.Fatal(err)
			}
			em := new(big.Int).Exp(new(big.Int).SetBytes(ciphertext), key.D, key.N).FillBytes(make([]byte, key.Size()))
			got, ok := unpadOAEP(std, bytes.Clone(em), []byte("label"))
			if !ok || !bytes.Equal(got, plain) {
				t.Errorf("%v, %d bytes: %x, %v, want %x", std, n, got, ok, plain)
			}
			if _, ok := unpadOAEP(std, bytes.Clone(em), []byte("other")); ok {
				t.Errorf("%v: another label was accepted", std)
			}
			for i := range em {
				bad := bytes.Clone(em)
				bad[i] ^= 0x40
				if _, ok := unpadOAEP(std, bad, []byte("label")); ok && i <= 2*std.Size() {
					t.Errorf("%v: a change of byte %d was accepted", std, i)
				}
			}
		}
	}
	if _, ok := unpadOAEP(crypto.SHA512, make([]byte, 100), nil); ok {
		t.Error("a modulus that is too small was accepted")
	}
}
