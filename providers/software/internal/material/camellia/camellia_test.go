package camellia

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

var _ cipher.Block = (*Cipher)(nil)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newCipher(t testing.TB, key []byte) *Cipher {
	t.Helper()
	c, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The examples of RFC 3713 appendix A.
func TestRFC3713(t *testing.T) {
	plain := unhex(t, "0123456789abcdeffedcba9876543210")
	for key, want := range map[string]string{
		"0123456789abcdeffedcba9876543210":                                 "67673138549669730857065648eabe43",
		"0123456789abcdeffedcba98765432100011223344556677":                 "b4993401b3e996f84ee5cee7d79b09b9",
		"0123456789abcdeffedcba987654321000112233445566778899aabbccddeeff": "9acc237dff16d76c20ef7c919e3a7509",
	} {
		c := newCipher(t, unhex(t, key))
		got := make([]byte, BlockSize)
		c.Encrypt(got, plain)
		if hex.EncodeToString(got) != want {
			t.Errorf("key of %d bytes: got %x, want %s", len(key)/2, got, want)
		}
		c.Decrypt(got, got)
		if !bytes.Equal(got, plain) {
			t.Errorf("key of %d bytes: decrypted %x", len(key)/2, got)
		}
	}
}

// Digests of 1024 blocks that OpenSSL 3.5 encrypted, for each key size.
func TestManyBlocks(t *testing.T) {
	plain := make([]byte, 1<<14)
	for i := range plain {
		plain[i] = byte(i*i + i/256*3)
	}
	for n, want := range map[int]string{
		16: "e53c525dd37bbe12bb0ed959f22fbee0f3af85d37b7fee9dc222c6be43d1322f",
		24: "8399b964e121802f82298d21a3ace3deee76b8b3b05ae6df96c0eca64231b196",
		32: "fdfc4c2e7cf928b5bed1257b90086ae8c17ed58431f38bbe6dffee15c27979f4",
	} {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte(i*7 + n)
		}
		c := newCipher(t, key)
		out, back := make([]byte, len(plain)), make([]byte, len(plain))
		for i := 0; i < len(plain); i += BlockSize {
			c.Encrypt(out[i:], plain[i:])
			c.Decrypt(back[i:], out[i:])
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(out)); got != want {
			t.Errorf("key of %d bytes: digest %s, want %s", n, got, want)
		}
		if !bytes.Equal(back, plain) {
			t.Errorf("key of %d bytes: decryption does not invert encryption", n)
		}
	}
}

// tower is the field of the designers: GF(2⁴)[β], with α⁴ = α+1 and the elements written as
// in their paper, bits numbered from the most significant.
func bit(x byte, i int) byte { return x >> (8 - i) & 1 }

func pack(bits ...byte) (r byte) {
	for _, b := range bits {
		r = r<<1 | b
	}
	return r
}

// gf multiplies modulo x⁸+x⁶+x⁵+x³+1, the polynomial of β.
func gf(a, b byte) (r byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			r ^= a
		}
		carry := a >> 7
		a = a<<1 ^ carry*0x69
	}
	return r
}

func power(x byte, n int) byte {
	r := byte(1)
	for range n {
		r = gf(r, x)
	}
	return r
}

// designers is S-box 1 as the paper defines it: affine maps around an inversion in the tower.
func designers(x byte) byte {
	const beta = 2
	alpha := power(beta, 238)
	basis := func(v byte) (r byte) { // bits 8…5 belong to 1, α, α², α³, bits 4…1 to the same times β
		for i := range 4 {
			r ^= bit(v, 8-i) * power(alpha, i)
			r ^= bit(v, 4-i) * gf(power(alpha, i), beta)
		}
		return r
	}
	a := func(i int) byte { return bit(x^0xc5, i) }
	f := pack(a(6)^a(2), a(7)^a(1), a(8)^a(5)^a(3), a(8)^a(3), a(7)^a(4), a(5)^a(2), a(8)^a(1), a(6)^a(4))
	inverse := power(basis(f), 254)
	var g byte
	for basis(g) != inverse {
		g++
	}
	b := func(i int) byte { return bit(g, i) }
	return 0x6e ^ pack(b(5)^b(6)^b(2), b(6)^b(2), b(7)^b(4), b(8)^b(2), b(7)^b(3), b(8)^b(1), b(5)^b(1), b(6)^b(3))
}

// All values in all eight places are what the designers' definition gives; the first row is
// RFC 3713's table.
func TestSubstitution(t *testing.T) {
	table := []byte{112, 130, 44, 236, 179, 39, 192, 229, 228, 133, 87, 53, 234, 12, 174, 65}
	for x := range 256 {
		s := designers(byte(x))
		if x < len(table) && s != table[x] {
			t.Errorf("definition of %d gives %d, the RFC says %d", x, s, table[x])
		}
		four := designers(byte(x<<1 | x>>7))
		places := [8]byte{s, s<<1 | s>>7, s<<7 | s>>1, four, s<<1 | s>>7, s<<7 | s>>1, four, s}
		var want uint64
		for _, p := range places {
			want = want<<8 | uint64(p)
		}
		if got := substitute(uint64(x) * ones); got != want {
			t.Errorf("%d becomes %016x, want %016x", x, got, want)
		}
	}
}

func TestKeyLengths(t *testing.T) {
	for n := range 40 {
		if _, err := New(make([]byte, n)); (err == nil) != (n == 16 || n == 24 || n == 32) {
			t.Errorf("key of %d bytes: %v", n, err)
		}
	}
}

// Neither the expanded key survives Wipe, nor is it printed.
func TestSecrecy(t *testing.T) {
	c := newCipher(t, bytes.Repeat([]byte{0xc5}, 16))
	if text := fmt.Sprintf("%v %+v %#v %x", c, c, c, c); strings.Contains(text, "c5") || !strings.Contains(text, "128 bits") {
		t.Errorf("printed: %s", text)
	}
	c.Wipe()
	if c.enc != (schedule{}) || c.dec != (schedule{}) {
		t.Error("not wiped")
	}
}

func TestShortBlockPanics(t *testing.T) {
	c := newCipher(t, make([]byte, 16))
	for _, f := range []func(dst, src []byte){c.Encrypt, c.Decrypt} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a short block is accepted")
				}
			}()
			f(make([]byte, 16), make([]byte, 15))
		}()
	}
}

func BenchmarkEncrypt(b *testing.B) {
	c := newCipher(b, make([]byte, 16))
	buf := make([]byte, BlockSize)
	b.SetBytes(BlockSize)
	b.ReportAllocs()
	for b.Loop() {
		c.Encrypt(buf, buf)
	}
}
