package kim_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// blobs returns the attribute blobs of the vector file by key name.
func blobs(tb testing.TB) map[string][]byte {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "parsec-kim.json"))
	if err != nil {
		tb.Fatal(err)
	}
	type row struct {
		KeyName       string `json:"key_name"`
		AttributesHex string `json:"key_attributes_hex"`
	}
	var file struct {
		Mbed []struct {
			KeyName   string `json:"key_name"`
			SQLiteRow row    `json:"sqlite_row"`
		} `json:"mbed_keys"`
		Other []row `json:"other_provider_sqlite_rows"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	all := map[string][]byte{}
	add := func(name, text string) {
		b, err := hex.DecodeString(text)
		if err != nil {
			tb.Fatal(err)
		}
		all[name] = b
	}
	for _, k := range file.Mbed {
		add(k.KeyName, k.SQLiteRow.AttributesHex)
	}
	for _, k := range file.Other {
		add(k.KeyName, k.AttributesHex)
	}
	if len(all) != 32 {
		tb.Fatalf("the vector file has %d keys, not 27+5", len(all))
	}
	return all
}

func TestVectorsSurvive(t *testing.T) {
	for name, blob := range blobs(t) {
		a, n, err := kim.DecodeAttributes(blob)
		if err != nil || n != len(blob) {
			t.Errorf("%s: decoded %d of %d bytes: %v", name, n, len(blob), err)
			continue
		}
		back, err := kim.EncodeAttributes(a)
		if err != nil || string(back) != string(blob) {
			t.Errorf("%s: %+v encodes as %x, not %x: %v", name, a, back, blob, err)
		}
		ext, err := kim.EncodeExtended(a)
		if err != nil || string(ext) != "\x01\x00\x00\x00"+string(blob) {
			t.Errorf("%s: extended encoding %x: %v", name, ext, err)
		}
	}
}

func TestVectorMeaning(t *testing.T) {
	signing := psa.UsageSignHash | psa.UsageVerifyHash
	for name, want := range map[string]psa.Attributes{
		"ecdsa_p256": {
			Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: signing.Expand(),
			Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashSHA256},
		},
		"ecdsa_any_hash": {
			Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: signing.Expand(),
			Alg: psa.Algorithm{Kind: psa.AlgECDSA, Hash: psa.HashAny},
		},
		"cmac_trunc8": {
			Type: psa.KeyAES, Bits: 128, Usage: psa.UsageSignMessage | psa.UsageVerifyMessage,
			Alg: psa.Algorithm{Kind: psa.AlgCMAC, Truncated: true, Length: 8},
		},
		"ecdh_hkdf": {
			Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageDerive,
			Alg: psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgHKDF, KDFHash: psa.HashSHA256},
		},
		"raw_data_all_flags": {Type: psa.KeyRawData, Bits: 64, Usage: psa.UsageAll},
	} {
		got, _, err := kim.DecodeAttributes(blobs(t)[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func ed25519() psa.Attributes {
	return psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveEdwards, Bits: 255,
		Usage: psa.UsageSignMessage | psa.UsageVerifyMessage, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA},
	}
}

func TestExtendedOnly(t *testing.T) {
	p256 := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Alg: psa.Algorithm{Kind: psa.AlgPureEdDSA}}
	for _, a := range []psa.Attributes{ed25519(), p256, {Type: psa.KeyECCPublic, Curve: psa.CurveEdwards}} {
		if _, err := kim.EncodeAttributes(a); !errors.Is(err, kim.ErrExtended) {
			t.Errorf("%+v: %v, want ErrExtended", a, err)
		}
		b, err := kim.EncodeExtended(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := kim.DecodeAttributes(b[4:]); err == nil {
			t.Error("the original's decoder took our variants")
		}
		if back, err := kim.DecodeExtended(b); err != nil || back != a {
			t.Errorf("%+v came back as %+v: %v", a, back, err)
		}
		if _, err := kim.DecodeExtended(append(b, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes follow") {
			t.Errorf("trailing byte: %v", err)
		}
		b[0] = 2
		if _, err := kim.DecodeExtended(b); err == nil || !strings.Contains(err.Error(), "version 2") {
			t.Errorf("version 2: %v", err)
		}
	}
}

func TestUnsoundAttributes(t *testing.T) {
	for name, a := range map[string]psa.Attributes{
		"no type":              {},
		"unknown type":         {Type: 15},
		"no curve":             {Type: psa.KeyECCPair},
		"curve of an AES key":  {Type: psa.KeyAES, Curve: psa.CurveSECPR1},
		"unknown group":        {Type: psa.KeyDHPair, Group: 1},
		"unknown flag":         {Type: psa.KeyAES, Usage: psa.UsageAll + 1},
		"unknown algorithm":    {Type: psa.KeyAES, Alg: psa.Algorithm{Kind: 200}},
		"hash without hash":    {Type: psa.KeyHMAC, Alg: psa.Algorithm{Kind: psa.AlgHMAC}},
		"hash of a cipher":     {Type: psa.KeyAES, Alg: psa.Algorithm{Kind: psa.AlgCTR, Hash: psa.HashSHA256}},
		"any hash in OAEP":     {Type: psa.KeyRSAPair, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashAny}},
		"length, not cut":      {Type: psa.KeyAES, Alg: psa.Algorithm{Kind: psa.AlgGCM, Length: 12}},
		"cut cipher":           {Type: psa.KeyAES, Alg: psa.Algorithm{Kind: psa.AlgCTR, Truncated: true}},
		"derivation of no kdf": {Type: psa.KeyECCPair, Curve: 1, Alg: psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgGCM}},
	} {
		for _, encode := range []func(psa.Attributes) ([]byte, error){kim.EncodeAttributes, kim.EncodeExtended} {
			if b, err := encode(a); wire.StatusOf(err) != wire.StatusInvalidArgument {
				t.Errorf("%s: %x, %v", name, b, err)
			}
		}
	}
}

func TestDecodeRefusals(t *testing.T) {
	good := blobs(t)["ecdsa_p256"]
	for n := range good {
		if _, _, err := kim.DecodeAttributes(good[:n]); err == nil {
			t.Errorf("%d of %d bytes decode", n, len(good))
		}
	}
	// Offsets of the enums and of the first flag.
	for _, at := range []int{0, 4, 8, 20, 30, 34, 38, 42} {
		bad := append([]byte(nil), good...)
		bad[at] = 200
		if _, _, err := kim.DecodeAttributes(bad); err == nil {
			t.Errorf("200 at %d decodes", at)
		}
	}
	if _, n, err := kim.DecodeAttributes(append(good, 1, 2, 3)); err != nil || n != len(good) {
		t.Errorf("with bytes behind: %d, %v", n, err)
	}
	custom := binary.LittleEndian.AppendUint32([]byte{2, 0, 0, 0}, 7)
	if a, _, err := kim.DecodeAttributes(append(custom, good[4:]...)); err != nil || a.Bits != 256 {
		t.Errorf("custom lifetime: %+v, %v", a, err)
	}
}

func TestBytes(t *testing.T) {
	b := append(kim.AppendBytes(nil, []byte("id")), 9)
	v, rest, err := kim.CutBytes(b)
	if err != nil || string(v) != "id" || len(rest) != 1 {
		t.Errorf("%q, %x, %v", v, rest, err)
	}
	for _, bad := range []string{"", "\x01", "\x02\x00\x00\x00\x00\x00\x00\x00a", "\xff\xff\xff\xff\xff\xff\xff\xffabc"} {
		if _, _, err := kim.CutBytes([]byte(bad)); err == nil {
			t.Errorf("%x decodes", bad)
		}
	}
}

func TestProviderUUIDs(t *testing.T) {
	for id := wire.ProviderID(0); id.Known(); id++ {
		if uuid := kim.ProviderUUID(id); len(uuid) != 36 || kim.ProviderByUUID(uuid) != id {
			t.Errorf("%s: %q", id, uuid)
		}
	}
	if kim.ProviderUUID(6) != "" || kim.ProviderByUUID("") != kim.UnknownProvider {
		t.Error("unknown providers are known")
	}
}

// FuzzAttributes: what decodes, encodes canonically and decodes to the same again; what
// was canonical stays byte for byte; the extended encoding agrees with the original's.
func FuzzAttributes(f *testing.F) {
	for _, b := range blobs(f) {
		f.Add(b)
	}
	f.Add(append([]byte{2, 0, 0, 0, 7, 0, 0, 0}, blobs(f)["cmac_trunc8"][4:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, n, err := kim.DecodeAttributes(b)
		if err != nil {
			return
		}
		if n > len(b) || n > 70 {
			t.Fatalf("%d bytes taken of %d", n, len(b))
		}
		back, err := kim.EncodeAttributes(a)
		if err != nil {
			t.Fatalf("%+v decoded, but does not encode: %v", a, err)
		}
		if b[0] == 1 && string(back) != string(b[:n]) {
			t.Fatalf("%x encodes as %x", b[:n], back)
		}
		again, m, err := kim.DecodeAttributes(back)
		if err != nil || again != a || m != len(back) {
			t.Fatalf("%+v came back as %+v: %v", a, again, err)
		}
	})
}

// FuzzExtended: the same for the extended encoding, which has one form only.
func FuzzExtended(f *testing.F) {
	seed := func(a psa.Attributes) {
		b, err := kim.EncodeExtended(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(ed25519())
	for _, b := range blobs(f) {
		f.Add(append([]byte{1, 0, 0, 0}, b...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := kim.DecodeExtended(b)
		if err != nil {
			return
		}
		back, err := kim.EncodeExtended(a)
		if err != nil {
			t.Fatalf("%+v decoded, but does not encode: %v", a, err)
		}
		if b[4] == 1 && string(back) != string(b) {
			t.Fatalf("%x encodes as %x", b, back)
		}
		if again, err := kim.DecodeExtended(back); err != nil || again != a {
			t.Fatalf("%+v came back as %+v: %v", a, again, err)
		}
	})
}

func FuzzBytes(f *testing.F) {
	f.Add(kim.AppendBytes(nil, []byte("id")))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := kim.CutBytes(b)
		if err != nil {
			return
		}
		if back := append(kim.AppendBytes(nil, v), rest...); string(back) != string(b) {
			t.Fatalf("%x came back as %x", b, back)
		}
	})
}
