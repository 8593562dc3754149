package blake

import (
	"bytes"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/blake2b"
	"pgregory.net/rapid"
)

// TestAgainstXCrypto compares with the library wherever it can do the same.
func TestAgainstXCrypto(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, Size).Draw(t, "size")
		key := rapid.SliceOfN(rapid.Byte(), 0, Size).Draw(t, "key")
		message := rapid.SliceOfN(rapid.Byte(), 0, BlockSize).Draw(t, "message")
		h, err := blake2b.New(size, key)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(message)
		got := make([]byte, size)
		if err := (&Config{Key: key}).Sum(got, message); err != nil {
			t.Fatal(err)
		}
		if want := h.Sum(nil); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

// TestSaltAndPersonal compares with what Python's hashlib gives for the same parameters.
func TestSaltAndPersonal(t *testing.T) {
	c := Config{Key: make([]byte, 32)}
	for i := range c.Key {
		c.Key[i] = byte(i)
	}
	for i := range c.Salt {
		c.Salt[i], c.Personal[i] = byte(100+i), byte(200+i)
	}
	out := make([]byte, 64)
	if err := c.Sum(out, []byte("message")); err != nil {
		t.Fatal(err)
	}
	const want = "968f800d63a90a4bb7acf897e5653ab7ecf0216767cb95f13f2eabec8a62d99b" +
		"b4046cb830e17e48acc65395f69a4258752019596c1a4d854f88c85be07d8187"
	if got := hex.EncodeToString(out); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSizes(t *testing.T) {
	for name, c := range map[string]struct {
		out, key, message int
	}{
		"no digest":    {0, 32, 0},
		"long digest":  {65, 32, 0},
		"long key":     {32, 65, 0},
		"long message": {32, 32, 129},
	} {
		err := (&Config{Key: make([]byte, c.key)}).Sum(make([]byte, c.out), make([]byte, c.message))
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
