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
		message := rapid.SliceOfN(rapid.Byte(), 0, 3*blockSize+1).Draw(t, "message")
		cut := rapid.IntRange(0, len(message)).Draw(t, "cut")
		h, err := blake2b.New(size, key)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(message)
		got := make([]byte, size)
		if err := (&Config{Key: key}).Sum(got, message[:cut], message[cut:]); err != nil {
			t.Fatal(err)
		}
		if want := h.Sum(nil); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

// TestEndsOfBlocks compares at every length around the ends of blocks.
func TestEndsOfBlocks(t *testing.T) {
	message := make([]byte, 2*blockSize+2)
	for i := range message {
		message[i] = byte(i)
	}
	for _, key := range [][]byte{nil, message[:32]} {
		for n := range message {
			h, err := blake2b.New512(key)
			if err != nil {
				t.Fatal(err)
			}
			h.Write(message[:n])
			got := make([]byte, Size)
			if err := (&Config{Key: key}).Sum(got, message[:n]); err != nil {
				t.Fatal(err)
			}
			if want := h.Sum(nil); !bytes.Equal(got, want) {
				t.Fatalf("%d bytes: %x, want %x", n, got, want)
			}
		}
	}
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
		out, key int
	}{
		"no digest":   {0, 32},
		"long digest": {65, 32},
		"long key":    {32, 65},
	} {
		err := (&Config{Key: make([]byte, c.key)}).Sum(make([]byte, c.out))
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
