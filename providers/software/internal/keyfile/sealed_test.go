package keyfile_test

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/vectortest"
)

func root(tb testing.TB, fill byte) *rootkey.Key {
	tb.Helper()
	k, err := rootkey.New(bytes.Repeat([]byte{fill}, rootkey.Size))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(k.Wipe)
	return k
}

func TestSealOpen(t *testing.T) {
	key := root(t, 1)
	for i, k := range vectortest.Keys(t) {
		id := uint32(i + 2)
		sealed, err := keyfile.Seal(key, id, k.File)
		if err != nil {
			t.Fatal(err)
		}
		again, err := keyfile.Seal(key, id, k.File)
		if err != nil || bytes.Equal(sealed, again) {
			t.Fatalf("sealed twice to the same bytes, %v", err)
		}
		if len(sealed) != len(k.File)+72 || len(sealed) > keyfile.MaxSize {
			t.Fatalf("%d bytes became %d", len(k.File), len(sealed))
		}
		if bytes.Contains(sealed, k.Data) {
			t.Fatal("the sealed file contains the key")
		}
		opened, err := keyfile.Open(key, id, sealed)
		if err != nil || !bytes.Equal(opened, k.File) {
			t.Fatalf("opened %x, %v", opened, err)
		}
		if _, err := keyfile.Open(key, id+1, sealed); wire.StatusOf(err) != wire.StatusDataCorrupt {
			t.Fatalf("opened as another key: %v", err)
		}
		if keyfile.DetectForm(sealed) != keyfile.FormEncrypted {
			t.Fatal("the form is not recognised")
		}
		if _, err := keyfile.Parse(sealed); wire.StatusOf(err) != wire.StatusDataCorrupt {
			t.Fatalf("the encrypted form passed for the compatible one: %v", err)
		}
	}
}

// TestTampered changes every bit, cuts at every length and appends.
func TestTampered(t *testing.T) {
	key := root(t, 1)
	sealed, err := keyfile.Seal(key, 2, vectortest.Keys(t)[0].File)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(what string, i int, b []byte) {
		t.Helper()
		its, err := keyfile.Open(key, 2, b)
		if its != nil || wire.StatusOf(err) != wire.StatusDataCorrupt {
			t.Fatalf("%s %d: %v", what, i, err)
		}
	}
	for i := range len(sealed) * 8 {
		b := bytes.Clone(sealed)
		b[i/8] ^= 1 << (i % 8)
		refuse("bit", i, b)
	}
	for i := range sealed {
		refuse("length", i, sealed[:i])
	}
	refuse("appended", 1, append(bytes.Clone(sealed), 0))
	refuse("huge", 1, make([]byte, keyfile.MaxSize+1))
}

func TestForeignRootKey(t *testing.T) {
	sealed, err := keyfile.Seal(root(t, 1), 2, vectortest.Keys(t)[0].File)
	if err != nil {
		t.Fatal(err)
	}
	_, err = keyfile.Open(root(t, 2), 2, sealed)
	want := "the key file is encrypted under root key " + root(t, 1).ID().String() + ", the agent has root key " + root(t, 2).ID().String()
	if wire.StatusOf(err) != wire.StatusDataCorrupt || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestWipedRootKey(t *testing.T) {
	key := root(t, 1)
	sealed, err := keyfile.Seal(key, 2, vectortest.Keys(t)[0].File)
	if err != nil {
		t.Fatal(err)
	}
	key.Wipe()
	if _, err := keyfile.Open(key, 2, sealed); wire.StatusOf(err) != wire.StatusStorageFailure {
		t.Errorf("opened with a wiped key: %v", err)
	}
	if _, err := keyfile.Seal(key, 2, sealed); wire.StatusOf(err) != wire.StatusStorageFailure {
		t.Errorf("sealed with a wiped key: %v", err)
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add(goldenFile)
	f.Add(goldenFile[:keyfile.HeadSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := keyfile.ParseHead(b)
		if err != nil {
			return
		}
		if !bytes.Equal(h.Append(nil), b[:keyfile.HeadSize]) || keyfile.DetectForm(b) != keyfile.FormEncrypted {
			t.Fatalf("parsed and written: %x", h.Append(nil))
		}
	})
}

// FuzzOpen asserts that nothing opens but what was sealed.
func FuzzOpen(f *testing.F) {
	key := root(f, 1)
	for _, k := range vectortest.Keys(f)[:3] {
		sealed, err := keyfile.Seal(key, 2, k.File)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed)
	}
	f.Add(goldenFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		its, err := keyfile.Open(key, 2, b)
		if err != nil {
			if wire.StatusOf(err) != wire.StatusDataCorrupt || its != nil {
				t.Fatalf("status %v: %v", wire.StatusOf(err), err)
			}
			return
		}
		if _, err := keyfile.Parse(its); err != nil {
			t.Fatalf("opened what was never sealed: %x", b)
		}
	})
}
