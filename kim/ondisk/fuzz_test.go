package ondisk

import (
	"path"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// FuzzOriginal: what a file of the original's says is what we would write, but for the
// lifetime and trailing bytes.
func FuzzOriginal(f *testing.F) {
	attrs, err := kim.EncodeAttributes(psa.Attributes{Type: psa.KeyAES, Bits: 128})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(kim.AppendBytes(nil, []byte{2, 0, 0, 0}), attrs...))
	f.Add(kim.AppendBytes(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, a, err := parseOriginal(b)
		if err != nil {
			return
		}
		_, again, err := place(index.Key{Name: "n"}, kim.Entry{KeyID: id, Attributes: a})
		if err != nil {
			t.Fatalf("%x, %+v parse, but have no place: %v", id, a, err)
		}
		backID, back, err := parseOriginal(again)
		if err != nil || back != a || string(backID) != string(id) {
			t.Fatalf("%x, %+v came back as %x, %+v: %v", id, a, backID, back, err)
		}
		if b[8+len(id)] == 1 && !strings.HasPrefix(string(b), string(again)) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

// FuzzOurs: a file of ours has one form, but for the lifetime in its attributes.
func FuzzOurs(f *testing.F) {
	ed := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA}}
	b, err := encodeOurs(index.Key{Name: "é\x00", Provider: 1}, kim.Entry{KeyID: []byte{1}, Attributes: ed})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	b, err = encodeOurs(index.Key{Name: "n", Provider: 2}, kim.Entry{KeyID: []byte{1, 2}, Attributes: ed, Adopted: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(ourMagic + "\x01\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseOurs(b)
		if err != nil {
			return
		}
		again, err := encodeOurs(index.Key{Name: e.Name, Provider: e.Provider.ID}, e)
		if err != nil || len(again) > len(b) {
			t.Fatalf("%x became %x: %v", b, again, err)
		}
		back, err := parseOurs(again)
		if err != nil || back.Name != e.Name || back.Attributes != e.Attributes || string(back.KeyID) != string(e.KeyID) || back.Adopted != e.Adopted {
			t.Fatalf("%+v came back as %+v: %v", e, back, err)
		}
	})
}

// FuzzPaths: a path that is a key's is the only one of that key; a key's path is one.
func FuzzPaths(f *testing.F) {
	f.Add("MA==", "1", "ZWNkc2FfcDI1Ng==", "key")
	f.Add("parsec", "3", "dHBtUm9vdEtleVRQTQ==", "..")
	f.Add("MA==", "01", "YR==\n", "\x00/é")
	f.Fuzz(func(t *testing.T, owner, provider, file, text string) {
		if k, err := keyOf(owner, provider, file); err == nil {
			if p := originalPath(k); p != path.Join(owner, provider, file) || strings.Contains(file, "/") {
				t.Fatalf("%q/%q/%q is %+v, whose path is %q", owner, provider, file, k, p)
			}
		}
		if k, known, err := internalKeyOf(file); err == nil && known {
			if p := originalPath(k); p != path.Join(internalDir, file) {
				t.Fatalf("%q is %+v, whose path is %q", file, k, p)
			}
			if isOurs(file) {
				t.Fatalf("%q is the original's and ours", file)
			}
		}
		k := index.Key{Owner: kim.Owner{App: text}, Name: psa.KeyName(text), Provider: 2}
		if checkNames(k) != nil {
			return
		}
		parts := strings.Split(originalPath(k), "/")
		if len(parts) != 3 || len(parts[2]) > 255 {
			t.Fatalf("%q has the path %q", text, parts)
		}
		if back, err := keyOf(parts[0], parts[1], parts[2]); err != nil || back != k {
			t.Fatalf("%q came back as %+v: %v", text, back, err)
		}
		if dir, file := path.Split(ourPath(k)); dir != parts[0]+"/" || !isOurs(file) {
			t.Fatalf("%q is at %q", text, ourPath(k))
		}
	})
}
