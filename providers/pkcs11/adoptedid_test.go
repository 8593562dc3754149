package pkcs11

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// golden are the ids of docs/formats/pkcs11-keys.md.
var golden = map[string]adopted{
	"5041475450313100 01000000 01 01 0100000000000000 01 0000000000000000 0400000000000000 61626364 0300000000000000 040102": {
		class: ck.ClassPrivateKey, id: []byte{1}, serial: "abcd", public: []byte{4, 1, 2},
	},
	"5041475450313100 01000000 01 03 0200000000000000 0a0b 0300000000000000 776562 0000000000000000 0100000000000000 30": {
		class: ck.ClassPrivateKey, id: []byte{10, 11}, label: []byte("web"), public: []byte{0x30},
	},
	"5041475450313100 01000000 02 02 0000000000000000 0300000000000000 626f78 0400000000000000 61626364 0000000000000000": {
		class: ck.ClassSecretKey, label: []byte("box"), serial: "abcd",
	},
}

func TestAdoptedIDs(t *testing.T) {
	for text, want := range golden {
		b := unhex(t, text)
		if got := want.encode(); !bytes.Equal(got, b) {
			t.Errorf("%+v is\n%x, want\n%x", want, []byte(got), b)
		}
		got, err := decodeAdopted(b)
		if err != nil || got.class != want.class || !bytes.Equal(got.id, want.id) || !bytes.Equal(got.label, want.label) ||
			(got.id == nil) != (want.id == nil) || got.serial != want.serial || !bytes.Equal(got.public, want.public) {
			t.Errorf("%s decodes to %+v, %v", text, got, err)
		}
		for n := range b {
			if _, err := parseReference(b[:n]); n != keyIDSize && wire.StatusOf(err) != wire.StatusInvalidEncoding {
				t.Errorf("%x: %v", b[:n], err)
			}
		}
		for at, change := range map[int]byte{8: 2, 12: 3, 13: 4, 14: 0xff} {
			wrong := slices.Clone(b)
			wrong[at] = change
			if _, err := decodeAdopted(wrong); err == nil {
				t.Errorf("%x decodes", wrong)
			}
		}
		if _, err := decodeAdopted(append(b, 0)); err == nil {
			t.Error("a byte behind the end is not noticed")
		}
	}
	long := adopted{class: ck.ClassPrivateKey, id: make([]byte, maxAdoptedText+1), public: []byte{4}}
	if _, err := decodeAdopted(long.encode()); err == nil {
		t.Error("a long part decodes")
	}
}

// FuzzAdopted: what decodes encodes to the same bytes, and its locator means the same.
func FuzzAdopted(f *testing.F) {
	for text := range golden {
		f.Add(unhex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAdopted(b)
		if err != nil {
			return
		}
		if again := a.encode(); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, []byte(again))
		}
		l, err := parseLocator(a.locator().String())
		if err != nil || !bytes.Equal(l.id, a.id) || !bytes.Equal(l.label, a.label) || l.class != a.class {
			t.Fatalf("the locator %s is read as %+v: %v", a.locator(), l, err)
		}
	})
}

// FuzzLocator: what is read is written in one form, which is read as the same.
func FuzzLocator(f *testing.F) {
	for _, text := range []string{"id:01", "id:/label:", "label:a%20b/type:private", "pkcs11:id=%01%ff;object=x;type=cert", "type:secret-key/id:AB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := parseLocator(text)
		if err != nil {
			return
		}
		again, err := parseLocator(l.String())
		if err != nil || again.String() != l.String() || !bytes.Equal(again.id, l.id) || !bytes.Equal(again.label, l.label) || again.class != l.class {
			t.Fatalf("%q became %q: %v", text, l, err)
		}
	})
}
