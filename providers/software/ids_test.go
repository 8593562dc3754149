package software

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

func TestFileNames(t *testing.T) {
	for name, want := range map[string]keyID{
		"0000000000000001.psa_its":  1,
		"00000000000000d8.psa_its":  0xd8,
		"000000003fffffff.psa_its":  maxID,
		"0000000040000000.psa_its":  0, // above the user range
		"0000000000000000.psa_its":  0, // the null id
		"00000000ffffff52.psa_its":  0, // the library's random seed
		"0000000100000002.psa_its":  0, // an owner
		"00000000000000D8.psa_its":  0,
		"+000000000000001.psa_its":  0,
		"000000000000_0_1.psa_its":  0,
		"000000000000001.psa_its":   0,
		"00000000000000001.psa_its": 0,
		"0000000000000001.psa_its~": 0,
		"tempfile.psa_its":          0,
		"":                          0,
	} {
		id, ok := parseFileName(name)
		if ok != (want != 0) || ok && id != want {
			t.Errorf("%q is %d, %v", name, id, ok)
		}
		if ok && id.fileName() != name {
			t.Errorf("%d is %q", id, id.fileName())
		}
	}
}

func FuzzKeyID(f *testing.F) {
	f.Add([]byte{0xd8, 0, 0, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := parseKeyID(providers.KeyID(b))
		if err != nil {
			if len(b) == keyIDSize || wire.StatusOf(err) != wire.StatusInvalidEncoding {
				t.Fatalf("%x: %v", b, err)
			}
			return
		}
		if !bytes.Equal(id.encode(), b) {
			t.Fatalf("%x became %x", b, id.encode())
		}
		if got, ok := parseFileName(id.fileName()); ok != id.valid() || ok && got != id {
			t.Fatalf("%s is %d", id.fileName(), got)
		}
	})
}
