package camellia

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// The examples of RFC 3713 appendix A.
func TestRFC3713(t *testing.T) {
	const plain = "0123456789abcdeffedcba9876543210"
	for key, want := range map[string]string{
		"0123456789abcdeffedcba9876543210":                                 "67673138549669730857065648eabe43",
		"0123456789abcdeffedcba98765432100011223344556677":                 "b4993401b3e996f84ee5cee7d79b09b9",
		"0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff": "9acc237dff16d76c20ef7c919e3a7509",
	} {
		k, _ := hex.DecodeString(key)
		p, _ := hex.DecodeString(plain)
		c, err := New(k)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, BlockSize)
		c.Encrypt(got, p)
		if hex.EncodeToString(got) != want {
			t.Errorf("key of %d bytes: got %x, want %s", len(k), got, want)
		}
		c.Decrypt(got, got)
		if !bytes.Equal(got, p) {
			t.Errorf("key of %d bytes: decrypted %x", len(k), got)
		}
	}
}

func BenchmarkEncrypt(b *testing.B) {
	c, err := New(make([]byte, 16))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, BlockSize)
	b.SetBytes(BlockSize)
	for b.Loop() {
		c.Encrypt(buf, buf)
	}
}
