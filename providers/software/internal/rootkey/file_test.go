package rootkey_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

func marshal(tb testing.TB, k *rootkey.Key) []byte {
	tb.Helper()
	b, err := k.MarshalFile()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestFileRoundTrip(t *testing.T) {
	k := newKey(t, secret)
	b := marshal(t, k)
	want := "5041525345435200" + "01000000" + "00000000" + k.ID().String() + hex.EncodeToString(secret)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("the file is\n%s, want\n%s", got, want)
	}
	read, err := rootkey.ParseFile(b)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Wipe()
	if !bytes.Equal(marshal(t, read), b) {
		t.Error("read and written differ")
	}
}

func TestFileTampered(t *testing.T) {
	b := marshal(t, newKey(t, secret))
	for i := range len(b) * 8 {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		if _, err := rootkey.ParseFile(c); !errors.Is(err, rootkey.ErrFormat) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for i := range b {
		if _, err := rootkey.ParseFile(b[:i]); !errors.Is(err, rootkey.ErrFormat) {
			t.Fatalf("length %d: %v", i, err)
		}
	}
}

func TestParseCredential(t *testing.T) {
	k := newKey(t, secret)
	digits := []byte(hex.EncodeToString(secret))
	for name, b := range map[string][]byte{
		"raw":              secret,
		"digits":           digits,
		"upper case":       bytes.ToUpper(digits),
		"digits and feed":  append(bytes.Clone(digits), '\n'),
		"root key file":    marshal(t, k),
		"raw ends in feed": append(bytes.Clone(secret[:31]), '\n'),
	} {
		got, err := rootkey.ParseCredential(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "raw ends in feed" && got.ID() != k.ID() {
			t.Errorf("%s: another key", name)
		}
		got.Wipe()
	}
	for name, b := range map[string][]byte{
		"nothing":     {},
		"short":       secret[:31],
		"raw, feed":   append(bytes.Clone(secret), '\n'),
		"two feeds":   append(bytes.Clone(digits), "\n\n"...),
		"not digits":  bytes.Repeat([]byte("z"), 64),
		"damaged":     append(marshal(t, k)[:63], 'x'),
		"half digits": digits[:32+1],
	} {
		if _, err := rootkey.ParseCredential(b); !errors.Is(err, rootkey.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(marshal(f, newKey(f, secret)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := rootkey.ParseFile(b)
		if err != nil {
			if !errors.Is(err, rootkey.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		defer k.Wipe()
		if !bytes.Equal(marshal(t, k), b) {
			t.Fatalf("read and written differ: %x", b)
		}
	})
}

func FuzzParseCredential(f *testing.F) {
	f.Add(secret)
	f.Add([]byte(hex.EncodeToString(secret)))
	f.Add(append([]byte(hex.EncodeToString(secret)), '\n'))
	f.Add(marshal(f, newKey(f, secret)))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := rootkey.ParseCredential(b)
		if err != nil {
			return
		}
		defer k.Wipe()
		key := marshal(t, k)[32:]
		text, _ := hex.DecodeString(string(bytes.TrimSuffix(b, []byte("\n"))))
		if !bytes.Equal(key, b) && !bytes.Equal(key, text) && !bytes.Equal(marshal(t, k), b) {
			t.Fatalf("%x became %x", b, key)
		}
	})
}
