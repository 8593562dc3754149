package device_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

var update = flag.Bool("update", false, "write the golden files anew")

//go:embed testdata/rsa.pem
var rsaPEM []byte

// goldens are the forms of a file of ours. They must open for ever. The provider keys are those of goldenKeys, the
// password is "P@ssw0rd.", the opaque key 32 bytes 07 with the id of 16 bytes 08.
var goldens = map[string]struct {
	rsa            bool
	password, code bool
}{
	"v1-ecdh.keys":          {},
	"v1-ecdh-password.keys": {password: true},
	"v1-oaep.keys":          {rsa: true},
	"v1-oaep-all.keys":      {rsa: true, password: true, code: true},
}

// goldenKeys are a token whose keys are given: the scalar of P-256 is the SHA-256 of "parsec-agent device vectors", the RSA
// key that of testdata/rsa.pem. They have the names that the files say.
func goldenKeys(t testing.TB, useRSA bool) *devicetest.Keys {
	t.Helper()
	token := &devicetest.Token{RSA: useRSA}
	keys := devicetest.NewKeys(map[string]providers.Provider{"token": token})
	key := providers.Key{Attributes: psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256}}
	if useRSA {
		block, _ := pem.Decode(rsaPEM)
		private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key = providers.Key{ID: token.AddRSA(private), Attributes: psa.Attributes{Type: psa.KeyRSAPair, Bits: 2048}}
	} else {
		scalar := sha256.Sum256([]byte("parsec-agent device vectors"))
		private, err := ecdh.P256().NewPrivateKey(scalar[:])
		if err != nil {
			t.Fatal(err)
		}
		key.ID = token.AddECDH(private)
	}
	keys.Put("token", "device/1000/golden/a", key)
	return keys
}

func fixed(t testing.TB, b byte) trust.SecretKey {
	t.Helper()
	key, err := trust.NewSecretKey(bytes.Repeat([]byte{b}, trust.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// goldenDevice is the one inside: all of its keys are 32 times the same byte.
func goldenDevice(t testing.TB) *trust.LocalDevice {
	t.Helper()
	d := devicetest.New(t, "Golden", "vectors")
	var err error
	bytesOf := func(b byte) []byte { return bytes.Repeat([]byte{b}, trust.KeySize) }
	if d.SigningKey, err = trust.NewSigningKey(bytesOf(1)); err != nil {
		t.Fatal(err)
	}
	if d.PrivateKey, err = trust.NewPrivateKey(bytesOf(2)); err != nil {
		t.Fatal(err)
	}
	d.UserRealmKey, d.LocalSymkey = fixed(t, 3), fixed(t, 4)
	d.DeviceID, d.UserID, d.UserRealmID = trust.DeviceID(bytesOf(5)), trust.UserID(bytesOf(6)), trust.RealmID(bytesOf(9))
	d.RootVerifyKey = trust.VerifyKey{}
	return d
}

// server gives the opaque key for the code 123456.
type server struct{ t testing.TB }

func (s server) OpaqueKey(_ context.Context, of *trust.DeviceFileHeader, id trust.TOTPOpaqueKeyID, code string) (trust.SecretKey, error) {
	if id != trust.TOTPOpaqueKeyID(bytes.Repeat([]byte{8}, 16)) || code != "123456" || of.OrganizationID.String() == "" {
		return trust.SecretKey{}, &wire.Error{Status: wire.StatusNotPermitted, Reason: "the code is wrong", Err: device.ErrSecret}
	}
	return fixed(s.t, 7), nil
}

func TestGolden(t *testing.T) {
	for name, g := range goldens {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			want := goldenDevice(t)
			keys := goldenKeys(t, g.rsa)
			if *update {
				writeGolden(t, path, keys, want, g.password, g.code)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			d, err := device.OpenFile(t.Context(), content, keys, server{t}, goldenSecret(g.password, g.code))
			if err != nil {
				t.Fatal(err)
			}
			devicetest.Same(t, d, want)
			again, err := device.DecodeAndEncode(content)
			if err != nil || !bytes.Equal(again, content) {
				t.Errorf("written again it is\n%x, %v", again, err)
			}
			tampered(t, content, keys, g.rsa, g.password, g.code)
		})
	}
}

func goldenSecret(password, code bool) (s device.Secret) {
	if password {
		s.Password = []byte("P@ssw0rd.")
	}
	if code {
		s.Code = "123456"
	}
	return s
}

func writeGolden(t *testing.T, path string, keys *devicetest.Keys, d *trust.LocalDevice, password, code bool) {
	t.Helper()
	p := device.Protection{Provider: "token"}
	if password {
		p.Password = []byte("P@ssw0rd.")
	}
	if code {
		p.Code = &device.CodeLayer{ID: trust.TOTPOpaqueKeyID(bytes.Repeat([]byte{8}, 16)), Key: fixed(t, 7)}
	}
	content, err := device.SealFile(t.Context(), d, p, keys, "device/1000/golden/a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// tampered changes bytes, and cuts the file: it never opens. All bytes where that is cheap, else some.
func tampered(t *testing.T, content []byte, keys *devicetest.Keys, useRSA, password, code bool) {
	t.Helper()
	open := func(b []byte) (*trust.LocalDevice, error) {
		return device.OpenFile(t.Context(), b, keys, server{t}, goldenSecret(password, code))
	}
	stride := 1
	if useRSA || password {
		stride = 11
	}
	for i := 0; i < len(content); i += stride {
		b := bytes.Clone(content)
		b[i] ^= 0x11
		if d, err := open(b); err == nil {
			t.Fatalf("with byte %d changed it opens as device %s", i, d.DeviceID)
		}
		if _, err := open(content[:i]); err == nil {
			t.Fatalf("the first %d bytes open", i)
		}
	}
	if _, err := open(append(bytes.Clone(content), 0)); err == nil {
		t.Fatal("with a byte more it opens")
	}
}

func TestCode(t *testing.T) {
	content, err := os.ReadFile("testdata/v1-oaep-all.keys")
	if err != nil {
		t.Fatal(err)
	}
	keys := goldenKeys(t, true)
	open := func(s device.Server, with device.Secret) error {
		_, err := device.OpenFile(t.Context(), content, keys, s, with)
		return err
	}
	with := goldenSecret(true, true)
	refused(t, "no server", open(nil, with), device.ErrKind, wire.StatusNotSupported)
	with.Code = ""
	refused(t, "no code", open(server{t}, with), wire.StatusInvalidArgument, wire.StatusInvalidArgument)
	with.Code = "654321"
	refused(t, "wrong code", open(server{t}, with), device.ErrSecret, wire.StatusNotPermitted)
}

func FuzzDecodeFile(f *testing.F) {
	seeds, err := filepath.Glob("testdata/v1-*.keys")
	if err != nil || len(seeds) != len(goldens) {
		f.Fatalf("%d seeds, %v", len(seeds), err)
	}
	for _, path := range seeds {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := device.DecodeAndEncode(data)
		if err != nil {
			return
		}
		twice, err := device.DecodeAndEncode(again)
		if err != nil || !bytes.Equal(again, twice) {
			t.Errorf("%x was read and written as\n%x, and then as\n%x, %v", data, again, twice, err)
		}
	})
}
