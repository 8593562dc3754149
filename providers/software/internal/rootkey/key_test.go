package rootkey_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

var secret = []byte("SECRETSECRETSECRETSECRETSECRETSE")

func newKey(tb testing.TB, b []byte) *rootkey.Key {
	tb.Helper()
	k, err := rootkey.New(b)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Wipe)
	return k
}

func TestID(t *testing.T) {
	k := newKey(t, secret)
	// HKDF-SHA-256 computed independently (Python hmac), see docs/formats/root-key.md.
	if got, want := k.ID().String(), "e535f2ffd8439d1eb1eec466734bb0db"; got != want {
		t.Errorf("the id is %s, want %s", got, want)
	}
	if newKey(t, bytes.Repeat([]byte{1}, 32)).ID() == k.ID() {
		t.Error("two keys have one id")
	}
}

func TestNewRefusesOtherSizes(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		if _, err := rootkey.New(make([]byte, n)); err == nil {
			t.Errorf("%d bytes were taken", n)
		}
	}
}

func TestGenerateDiffers(t *testing.T) {
	a, err := rootkey.Generate()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Wipe()
	b, err := rootkey.Generate()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Wipe()
	if a.ID() == b.ID() {
		t.Error("two generated keys are equal")
	}
}

func TestWipe(t *testing.T) {
	k := newKey(t, secret)
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for range 200 {
				if _, err := k.AEAD("test"); err != nil && !errors.Is(err, rootkey.ErrWiped) {
					t.Error(err)
				}
			}
		})
	}
	k.Wipe()
	k.Wipe()
	users.Wait()
	if _, err := k.AEAD("test"); !errors.Is(err, rootkey.ErrWiped) {
		t.Errorf("a wiped key was used: %v", err)
	}
	if _, err := k.MarshalFile(); !errors.Is(err, rootkey.ErrWiped) {
		t.Errorf("a wiped key was marshalled: %v", err)
	}
}

func TestPurposesDiffer(t *testing.T) {
	k := newKey(t, secret)
	a, err := k.AEAD("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := k.AEAD("b")
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, a.NonceSize())
	if _, err := b.Open(nil, nonce, a.Seal(nil, nonce, []byte("x"), nil), nil); err == nil {
		t.Error("two purposes share a key")
	}
}

func TestNeverPrinted(t *testing.T) {
	k := newKey(t, secret)
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		fmt.Fprintf(&out, verb, k)
		fmt.Fprintf(&out, verb, struct{ K *rootkey.Key }{k})
	}
	fmt.Fprint(&out, k.String(), k.GoString())
	if _, err := json.Marshal(k); err == nil {
		t.Error("a root key was marshalled")
	}
	for _, form := range []string{"SECRET", hex.EncodeToString([]byte("SECRET")), "83 69 67 82"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s occurs in %s", form, out.String())
		}
	}
}
