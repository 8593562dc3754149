package trust

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

// TestDeriveLocal: the vector is that of docs/formats/device-file.md, and what Python's hashlib gives.
func TestDeriveLocal(t *testing.T) {
	key := must(NewSecretKey(bytes.Repeat([]byte{4}, KeySize)))
	const want = "f60f827f7a52539ef5093691b04ec7585421953589a7b07d9561c23c1bd5d718"
	if got := hex.EncodeToString(must(must(key.DeriveLocal("label", []byte("bo"), []byte("und"))).Export())); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	two := must(DeriveLocal("label", []byte("bound"), make([]byte, KeySize), make([]byte, KeySize)))
	if two.Equal(must(DeriveLocal("label", []byte("bound"), make([]byte, KeySize)))) {
		t.Error("how many secrets there are makes no difference")
	}
	for _, secrets := range [][][]byte{nil, {nil}, {make([]byte, KeySize), make([]byte, KeySize), {1}}} {
		if _, err := DeriveLocal("label", nil, secrets...); !errors.Is(err, errSecrets) {
			t.Errorf("of %d secrets: %v", len(secrets), err)
		}
	}
	key.Wipe()
	if _, err := key.DeriveLocal("label"); !errors.Is(err, ErrWiped) {
		t.Error(err)
	}
}
