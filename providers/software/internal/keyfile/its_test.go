package keyfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/vectortest"
)

// TestOriginalFiles reads every file that the original wrote and writes it again.
func TestOriginalFiles(t *testing.T) {
	for _, k := range vectortest.Keys(t) {
		t.Run(k.FileName, func(t *testing.T) {
			read, err := keyfile.Parse(k.File)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(read.Data, k.Data) {
				t.Error("the data is not what was imported")
			}
			if !bytes.Equal(read.Marshal(), k.File) {
				t.Errorf("read and written:\n%x\nwant\n%x", read.Marshal(), k.File)
			}
			made, err := keyfile.New(k.Attributes, uint64(read.Bits), k.Data)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(made.Marshal(), k.File) {
				t.Errorf("made from the attributes:\n%x\nwant\n%x", made.Marshal(), k.File)
			}
			if err := read.Agree(k.Attributes); err != nil {
				t.Error(err)
			}
			if got, want := read.StopsOriginal(), k.Attributes.Alg.Kind.Cipher(); got != want {
				t.Errorf("StopsOriginal() = %v, want %v", got, want)
			}
		})
	}
}

// TestCodes checks the codes of the table of section 5.4 that no vector has.
func TestCodes(t *testing.T) {
	for _, test := range []struct {
		alg  psa.Algorithm
		code uint32
	}{
		{psa.Algorithm{Kind: psa.AlgHash, Hash: psa.HashSHA512}, 0x0200000b},
		{psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA384, Truncated: true, Length: 20}, 0x0394000a},
		{psa.Algorithm{Kind: psa.AlgCBCMAC}, 0x03c00100},
		{psa.Algorithm{Kind: psa.AlgCMAC}, 0x03c00200},
		{psa.Algorithm{Kind: psa.AlgStreamCipher}, 0x04800100},
		{psa.Algorithm{Kind: psa.AlgCTR}, 0x04c01000},
		{psa.Algorithm{Kind: psa.AlgCFB}, 0x04c01100},
		{psa.Algorithm{Kind: psa.AlgOFB}, 0x04c01200},
		{psa.Algorithm{Kind: psa.AlgXTS}, 0x0440ff00},
		{psa.Algorithm{Kind: psa.AlgECBNoPadding}, 0x04404400},
		{psa.Algorithm{Kind: psa.AlgCBCPKCS7}, 0x04404100},
		{psa.Algorithm{Kind: psa.AlgCCM}, 0x05500100},
		{psa.Algorithm{Kind: psa.AlgGCM, Truncated: true, Length: 16}, 0x05500200},
		{psa.Algorithm{Kind: psa.AlgChaCha20Poly1305, Truncated: true, Length: 12}, 0x050c0500},
		{psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA3512}, 0x06000313},
		{psa.Algorithm{Kind: psa.AlgPureEdDSA}, 0x06000800},
		{psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashRIPEMD160}, 0x07000304},
		{psa.Algorithm{Kind: psa.AlgTLS12PRF, Hash: psa.HashSHA256}, 0x08000209},
		{psa.Algorithm{Kind: psa.AlgTLS12PSKToMS, Hash: psa.HashSHA1}, 0x08000305},
		{psa.Algorithm{Kind: psa.AlgFFDH}, 0x09010000},
		{psa.Algorithm{Kind: psa.AlgECDH, KDF: psa.AlgTLS12PRF, KDFHash: psa.HashSHA384}, 0x0902020a},
	} {
		made, err := keyfile.New(psa.Attributes{Type: psa.KeyDerive, Alg: test.alg}, 8, []byte{1})
		if err != nil || made.Alg != test.code {
			t.Errorf("%s is 0x%08x, %v, want 0x%08x", test.alg, made.Alg, err, test.code)
		}
	}
	for _, test := range []struct {
		attrs psa.Attributes
		code  uint16
	}{
		{psa.Attributes{Type: psa.KeyARC4}, 0x2002},
		{psa.Attributes{Type: psa.KeyRSAPublic}, 0x4001},
		{psa.Attributes{Type: psa.KeyDHPublic}, 0x4203},
		{psa.Attributes{Type: psa.KeyDHPair}, 0x7203},
		{psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR2}, 0x711b},
		{psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECTK1}, 0x4127},
		{psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECTR1}, 0x4122},
		{psa.Attributes{Type: psa.KeyECCPublic, Curve: psa.CurveSECTR2}, 0x412b},
		{psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveFRP}, 0x7133},
		{psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveEdwards}, 0x7142},
	} {
		made, err := keyfile.New(test.attrs, 8, []byte{1})
		if err != nil || made.Type != test.code {
			t.Errorf("%v is 0x%04x, %v, want 0x%04x", test.attrs, made.Type, err, test.code)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	raw := psa.Attributes{Type: psa.KeyRawData}
	for name, test := range map[string]struct {
		attrs psa.Attributes
		bits  uint64
		size  int
	}{
		"no type":           {psa.Attributes{}, 8, 1},
		"no curve":          {psa.Attributes{Type: psa.KeyECCPair}, 256, 32},
		"unknown group":     {psa.Attributes{Type: psa.KeyDHPair, Group: 1}, 2048, 256},
		"unknown algorithm": {psa.Attributes{Type: psa.KeyRawData, Alg: psa.Algorithm{Kind: 200}}, 8, 1},
		"unknown hash":      {psa.Attributes{Type: psa.KeyHMAC, Alg: psa.Algorithm{Kind: psa.AlgHMAC, Hash: 99}}, 8, 1},
		"no bits":           {raw, 0, 1},
		"too many bits":     {raw, 1 << 16, 1},
		"no data":           {raw, 8, 0},
		"too much data":     {raw, 8, keyfile.MaxData + 1},
	} {
		if _, err := keyfile.New(test.attrs, test.bits, make([]byte, test.size)); wire.StatusOf(err) != wire.StatusNotSupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAgree(t *testing.T) {
	p256 := psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256}
	file, err := keyfile.New(p256, 256, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*psa.Attributes)
		want   wire.Status
	}{
		"same":          {func(*psa.Attributes) {}, wire.StatusSuccess},
		"open size":     {func(a *psa.Attributes) { a.Bits = 0 }, wire.StatusSuccess},
		"other policy":  {func(a *psa.Attributes) { a.Usage, a.Alg.Kind = psa.UsageAll, psa.AlgECDSA }, wire.StatusSuccess},
		"other size":    {func(a *psa.Attributes) { a.Bits = 384 }, wire.StatusDataInvalid},
		"other curve":   {func(a *psa.Attributes) { a.Curve = psa.CurveSECPK1 }, wire.StatusDataInvalid},
		"public half":   {func(a *psa.Attributes) { a.Type = psa.KeyECCPublic }, wire.StatusDataInvalid},
		"another type":  {func(a *psa.Attributes) { a.Type, a.Curve = psa.KeyAES, 0 }, wire.StatusDataInvalid},
		"no known type": {func(a *psa.Attributes) { a.Type = 0 }, wire.StatusNotSupported},
	} {
		attrs := p256
		test.change(&attrs)
		if got := wire.StatusOf(file.Agree(attrs)); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestITSIsNeverPrinted(t *testing.T) {
	secret := []byte("SECRETSECRETSECR")
	file, err := keyfile.New(psa.Attributes{Type: psa.KeyAES}, 128, secret)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "its", file)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "its", file)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		fmt.Fprintf(&out, verb, file)
		fmt.Fprintf(&out, verb, &file)
	}
	if _, err := json.Marshal(file); err == nil {
		t.Error("a key was marshalled")
	}
	for _, form := range []string{"SECRET", "534543524554", "83 69 67 82"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s occurs in %s", form, out.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, k := range vectortest.Keys(f) {
		f.Add(k.File)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		its, err := keyfile.Parse(b)
		if err != nil {
			if wire.StatusOf(err) != wire.StatusDataCorrupt {
				t.Fatalf("status %v: %v", wire.StatusOf(err), err)
			}
			return
		}
		if !bytes.Equal(its.Marshal(), b) {
			t.Fatalf("parsed and written:\n%x\nwant\n%x", its.Marshal(), b)
		}
		if keyfile.DetectForm(b) != keyfile.FormCompatible || its.Bits == 0 || len(its.Data) == 0 || its.Describe() == "" {
			t.Fatalf("accepted %x", b)
		}
	})
}
