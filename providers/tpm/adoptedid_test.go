package tpm

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func fromHex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// adoptedArea is a P-256 signing key; its coordinates are short.
const adoptedArea = "0023 000b 00040072 0000 0010 0018 000b 0003 0010 0002 0102 0002 0304"

// adoptedIDs are the ids of docs/formats/tpm-keys.md.
var adoptedIDs = map[string]stored{
	"50414754 54504d00 01000000 01 10000081 0000000000000000 1c00000000000000 " + adoptedArea + " 0000000000000000": {
		adopted: &adopted{place: persistent, handle: 0x81000010},
	},
	"50414754 54504d00 01000000 03 02000081 0300000000000000 616263 1c00000000000000 " + adoptedArea + " 0200000000000000 aabb": {
		auth: []byte("abc"), private: []byte{0xaa, 0xbb}, adopted: &adopted{place: underHandle, handle: 0x81000002},
	},
	"50414754 54504d00 01000000 12 00000000 0000000000000000 1c00000000000000 " + adoptedArea + " 0100000000000000 ff": {
		private: []byte{0xff}, adopted: &adopted{place: underTemplate + 2},
	},
}

func TestAdoptedIDs(t *testing.T) {
	for text, want := range adoptedIDs {
		b := fromHex(t, text)
		s, err := decode(b)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if s.adopted.place != want.adopted.place || s.adopted.handle != want.adopted.handle || !bytes.Equal(s.auth, want.auth) ||
			!bytes.Equal(s.private, want.private) || s.kind != publicECC || !bytes.Equal(s.unique, []byte{1, 2}) {
			t.Errorf("%s decodes to %+v, %+v", text, s, s.adopted)
		}
		if again := s.encodeAdopted(); !bytes.Equal(again, b) {
			t.Errorf("%x became %x", b, []byte(again))
		}
		for n := range b[:len(b)-1] {
			if _, err := decode(b[:n]); err == nil {
				t.Errorf("%d bytes of %s decode", n, text)
			}
		}
		for at, change := range map[int]byte{8: 2, 12: 4, 16: 0x80, 17: 0xff} {
			wrong := slices.Clone(b)
			wrong[at] ^= change
			if _, err := decode(wrong); err == nil {
				t.Errorf("%x decodes", wrong)
			}
		}
		if _, err := decode(append(b, 0)); err == nil {
			t.Error("a byte behind the end is not noticed")
		}
	}
}

// TestParentsKeepTheirNumbers: key ids hold them.
func TestParentsKeepTheirNumbers(t *testing.T) {
	var names []string
	for _, template := range parents {
		name, err := nameOf(&template)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, hex.EncodeToString(name[2:6]))
	}
	if got, want := strings.Join(names, " "), "10f0d8da 9430f5e6 9e7ad6dc e57f6afb 726dfd82 6428bbb5"; got != want {
		t.Errorf("the templates are %s, want %s", got, want)
	}
}

// FuzzAdopted: what decodes encodes to the same bytes, and examining it does not panic.
func FuzzAdopted(f *testing.F) {
	for text := range adoptedIDs {
		f.Add(fromHex(f, text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !isAdopted(b) {
			return
		}
		s, err := decode(b)
		if err != nil {
			return
		}
		if again := s.encodeAdopted(); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, []byte(again))
		}
		if k, err := examine(s.adopted.public); err == nil {
			_, _ = s.area(k.attrs)
		}
		_, _ = s.area(psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048})
	})
}

// FuzzKeyFile: what is read has a public area in its one form, and a bounded private part.
func FuzzKeyFile(f *testing.F) {
	area := fromHex(f, adoptedArea)
	pair := slices.Concat([]byte{0, byte(len(area))}, area, []byte{0, 2, 0xaa, 0xbb})
	f.Add(pair)
	der := fromHex(f, "3039 0606 678105 0a0103 a003 0101ff 0204 40000001 041e 001c"+adoptedArea+" 0404 0002aabb")
	f.Add(der)
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "TSS2 PRIVATE KEY", Bytes: der}))
	for _, seed := range [][]byte{pair, der} {
		if _, err := parseKeyFile(seed); err != nil {
			f.Fatalf("the seed %x: %v", seed, err)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKeyFile(b)
		if err != nil {
			return
		}
		if _, err := parsePublicArea(tpm2.Marshal(*k.public)); err != nil || len(k.private) == 0 || len(k.private) > maxPrivate {
			t.Fatalf("%x: %v", b, err)
		}
	})
}
