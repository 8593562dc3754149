package secrets

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func box(t *testing.T, fill byte) *Box {
	t.Helper()
	b, err := NewBox(bytes.Repeat([]byte{fill}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenKey: a file of the first version opens, and gives the same digests, for ever.
func TestGoldenKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.key")
	text := "parsec-server key 1\n000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const want = "eaee087c2b8173c7114453321bb5ff2184253689a20ee9b121511b71478a39e1"
	if got := hex.EncodeToString(b.Digest("bootstrap token", []byte("0123456789abcdef"))); got != want {
		t.Errorf("the digest is %s, want %s", got, want)
	}
	sealed, err := hex.DecodeString("40fde46399b705f5c02a6983ad6a643cffd3a6cf653d8a8e4684aae222c3bb17dcd41df6fc9e990b2b4730bbb289")
	if err != nil {
		t.Fatal(err)
	}
	if secret, err := b.Open("golden", []byte("row"), sealed); err != nil || string(secret) != "secret" {
		t.Errorf("%q, %v", secret, err)
	}
}

func TestSealIsBound(t *testing.T) {
	b := box(t, 1)
	sealed := b.Seal("purpose", []byte("row"), []byte("secret"))
	if got, err := b.Open("purpose", []byte("row"), sealed); err != nil || string(got) != "secret" {
		t.Fatal(got, err)
	}
	spoiled := bytes.Clone(sealed)
	spoiled[30] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"purpose": func() ([]byte, error) { return b.Open("other", []byte("row"), sealed) },
		"row":     func() ([]byte, error) { return b.Open("purpose", []byte("other"), sealed) },
		"key":     func() ([]byte, error) { return box(t, 2).Open("purpose", []byte("row"), sealed) },
		"bytes":   func() ([]byte, error) { return b.Open("purpose", []byte("row"), spoiled) },
		"length":  func() ([]byte, error) { return b.Open("purpose", []byte("row"), sealed[:5]) },
	} {
		if _, err := open(); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", b, b, *b); strings.Contains(text, "0x1, 0x1") || strings.Contains(text, "1 1 1") {
		t.Errorf("the key shows: %s", text)
	}
}

func TestFilesAreMadeOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "server.key")
	first, err := LoadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadFile(path)
	if err != nil || !bytes.Equal(first.Digest("x", nil), second.Digest("x", nil)) {
		t.Errorf("another key: %v", err)
	}
	token, err := LoadToken(filepath.Join(dir, "token"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "token"))
	if err != nil || !token.Matches(strings.TrimSpace(string(text))) || token.Matches("") {
		t.Errorf("%q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".new-*")); err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
}

func TestFilesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"version":  {"parsec-server key 2\n" + strings.Repeat("00", KeySize), 0o600, "does not begin with"},
		"short":    {"parsec-server key 1\n00", 0o600, "64 hexadecimal digits"},
		"long":     {strings.Repeat("x", maxFile+1), 0o600, "more than"},
		"readable": {"parsec-server key 1\n" + strings.Repeat("00", KeySize), 0o640, "chmod 600"},
	} {
		path := filepath.Join(t.TempDir(), "server.key")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadFile(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := LoadFile(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a directory: %v", err)
	}
}

// FuzzKeyFile: whatever is read as a key is one that could have been written.
func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(fileHeader + strings.Repeat("0f", KeySize) + "\n"))
	f.Add([]byte(fileHeader))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parse(bytes.Clone(text))
		if err != nil {
			return
		}
		again := fileHeader + hex.EncodeToString(b.key())
		if !strings.EqualFold(strings.TrimSuffix(string(text), "\n"), again) {
			t.Errorf("%q is read as %q", text, again)
		}
	})
}
