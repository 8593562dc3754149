package tpm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/kim"
)

// rows are the TPM's rows of the recorded state: key id by key name.
func rows(tb testing.TB) map[string][]byte {
	tb.Helper()
	raw, err := os.ReadFile("../../testdata/parsec-kim.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		Other []struct {
			KeyName      string `json:"key_name"`
			ProviderUUID string `json:"provider_uuid"`
			KeyID        string `json:"key_id_hex"`
			Attributes   string `json:"key_attributes_hex"`
		} `json:"other_provider_sqlite_rows"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	ids := map[string][]byte{}
	for _, r := range file.Other {
		if r.ProviderUUID != UUID {
			continue
		}
		id, err := hex.DecodeString(r.KeyID)
		if err != nil {
			tb.Fatal(err)
		}
		ids[r.KeyName] = id
		if r.KeyName == string(RootKeyName) {
			want, err := kim.EncodeAttributes(RootKeyAttributes)
			if err != nil || hex.EncodeToString(want) != r.Attributes {
				tb.Fatalf("the root key's attributes are %x, recorded %s: %v", want, r.Attributes, err)
			}
		}
	}
	if len(ids) < 3 || ids[string(RootKeyName)] == nil {
		tb.Fatalf("only %d TPM rows", len(ids))
	}
	return ids
}

func TestRecordedIDsSurvive(t *testing.T) {
	for name, id := range rows(t) {
		if name == string(RootKeyName) {
			root, err := decodeRoot(id)
			if err != nil || !bytes.Equal(encodeRoot(root), id) {
				t.Errorf("root key %x: %v", id, err)
			}
			continue
		}
		s, err := decode(id)
		if err != nil || !bytes.Equal(s.encode(), id) {
			t.Errorf("%s: %x: %v", name, id, err)
			continue
		}
		if len(s.auth) != 0 && (len(s.auth) != authSize || len(s.private) == 0 || s.form != formCreated) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestFormsSurvive(t *testing.T) {
	for _, f := range []form{formCreated, formImported, formProvided} {
		s := &stored{auth: []byte("auth"), kind: publicECC, unique: []byte("x"), y: []byte("y"), private: []byte("private"), form: f}
		got, err := decode(s.encode())
		if err != nil || got.form != f || string(got.y) != "y" || string(got.private) != "private" {
			t.Errorf("form %d: %+v, %v", f, got, err)
		}
	}
}

func TestLegacyIDsAreNamed(t *testing.T) {
	id := append(make([]byte, 16), kim.AppendBytes(nil, []byte("saved context"))...)
	binary.LittleEndian.PutUint64(id, 7) // its sequence
	id = kim.AppendBytes(id, make([]byte, authSize))
	if _, err := decode(id); !errors.Is(err, errLegacy) {
		t.Errorf("%v", err)
	}
}

func TestBadIDs(t *testing.T) {
	good := (&stored{auth: make([]byte, 32), unique: make([]byte, 256), private: make([]byte, 200)}).encode()
	change := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, c := range map[string]struct {
		id   []byte
		want string
	}{
		"empty":           {nil, "ends where 16 bytes should follow"},
		"trailing":        {append(bytes.Clone(good), 0), "1 bytes follow"},
		"unknown trailer": {append(append(bytes.Clone(good), trailer...), 3), "6 bytes follow"},
		"form 0":          {append(append(bytes.Clone(good), trailer...), 0), "6 bytes follow"},
		"context":         {change(func(b []byte) []byte { b[8] = 1; return b }), "saved context without content"},
		"kind":            {change(func(b []byte) []byte { b[24+8+32] = 3; return b }), "unknown kind 3"},
		"long":            {(&stored{auth: make([]byte, 65)}).encode(), "authorisation value of the key id: 65 bytes are more than the 64"},
		"cut":             {good[:len(good)-1], "private part of the key id"},
	} {
		if _, err := decode(c.id); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, id := range [][]byte{nil, encodeRoot([]byte("no name")), encodeRoot(append([]byte{0, 0x0c}, make([]byte, 32)...)), append(encodeRoot(append([]byte{0, 0x0b}, make([]byte, 32)...)), 0)} {
		if _, err := decodeRoot(id); err == nil {
			t.Errorf("%x is a root key", id)
		}
	}
}

// FuzzDecode: what decodes is what it encodes to, and is bounded.
func FuzzDecode(f *testing.F) {
	for _, id := range rows(f) {
		f.Add(id)
	}
	f.Add([]byte((&stored{kind: publicKeyedHash, unique: []byte{1}, private: []byte{2}, form: formProvided}).encode()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decode(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.encode(), b) {
			t.Fatalf("%x encodes as %x", b, s.encode())
		}
		if len(s.auth) > maxAuth || len(s.unique) > maxUnique || len(s.y) > maxUnique || len(s.private) > maxPrivate {
			t.Fatalf("unbounded: %+v", s)
		}
	})
}

// FuzzRoot: the same for the root key.
func FuzzRoot(f *testing.F) {
	f.Add(rows(f)[string(RootKeyName)])
	f.Fuzz(func(t *testing.T, b []byte) {
		if name, err := decodeRoot(b); err == nil && !bytes.Equal(encodeRoot(name), b) {
			t.Fatalf("%x encodes as %x", b, encodeRoot(name))
		}
	})
}

// FuzzSealed: what decodes has no other encoding, and is not longer than its parts.
func FuzzSealed(f *testing.F) {
	public := area(tpm2.TPMAlgKeyedHash, false, false)
	public.Parameters = tpm2.NewTPMUPublicParms(public.Type, &tpm2.TPMSKeyedHashParms{})
	public.Unique = tpm2.NewTPMUPublicID(public.Type, &tpm2.TPM2BDigest{Buffer: []byte{1, 2}})
	encode := func(selected [pcrCount / 8]byte, public *tpm2.TPMTPublic, private []byte) []byte {
		b := append(bytes.Clone(sealedMagic), selected[:]...)
		for _, part := range [][]byte{tpm2.Marshal(*public), private} {
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(part))), part...)
		}
		return b
	}
	f.Add(encode([3]byte{1}, public, []byte("private")))
	f.Fuzz(func(t *testing.T, b []byte) {
		selected, public, private, err := decodeSealed(b)
		if err == nil && !bytes.Equal(encode(selected, public, private), b) {
			t.Fatalf("%x does not come back", b)
		}
	})
}
