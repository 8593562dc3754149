package keyfile_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keys are pairs of the standard library, as oracles.
func keys() map[string]any {
	return map[string]any{
		"p224": must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)), "p256": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"p384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), "p521": must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)),
		"rsa": must(rsa.GenerateKey(rand.Reader, 1024)), "ed25519": ed25519.NewKeyFromSeed(make([]byte, 32)),
		"x25519": must(ecdh.X25519().GenerateKey(rand.Reader)),
	}
}

func TestPrivateKeysAreThoseOfTheLibrary(t *testing.T) {
	for name, pair := range keys() {
		der := must(x509.MarshalPKCS8PrivateKey(pair))
		for _, data := range [][]byte{der, keyfile.PEM(der, "PRIVATE KEY")} {
			k, err := keyfile.Parse(data, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if k.Form != "PKCS #8" || k.Attributes.Bits == 0 || !k.Attributes.Type.Pair() {
				t.Errorf("%s: %+v", name, k.Attributes)
			}
			out, label, err := keyfile.EncodePrivate(k.Attributes, k.Data, k.Public, keyfile.Standard)
			if err != nil || label != "PRIVATE KEY" {
				t.Fatalf("%s: %v", name, err)
			}
			back, err := x509.ParsePKCS8PrivateKey(out)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			same, ok := pair.(interface{ Equal(x any) bool })
			if ok && !same.Equal(back) {
				t.Errorf("%s comes back as another key", name)
			}
			if !bytes.Equal(out, der) && name != "rsa" {
				t.Errorf("%s: other bytes\n%x\n%x", name, out, der)
			}
		}
	}
}

func TestTraditionalForms(t *testing.T) {
	all := keys()
	p := all["p521"].(*ecdsa.PrivateKey) //nolint:forcetypeassert,errcheck // made above
	r := all["rsa"].(*rsa.PrivateKey)    //nolint:forcetypeassert,errcheck // made above
	for name, der := range map[string][]byte{"EC PRIVATE KEY": must(x509.MarshalECPrivateKey(p)), "RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(r)} {
		k, err := keyfile.Parse(keyfile.PEM(der, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, label, err := keyfile.EncodePrivate(k.Attributes, k.Data, k.Public, keyfile.Traditional)
		if err != nil || label != name || !bytes.Equal(out, der) {
			t.Errorf("%s: %s, %v", name, label, err)
		}
	}
	der := x509.MarshalPKCS1PublicKey(&r.PublicKey)
	k, err := keyfile.Parse(der, nil)
	if err != nil || k.Attributes.Type != psa.KeyRSAPublic || !bytes.Equal(k.Data, der) {
		t.Errorf("%+v, %v", k, err)
	}
}

func TestPublicKeysAreThoseOfTheLibrary(t *testing.T) {
	for name, pair := range keys() {
		var public any
		switch k := pair.(type) {
		case interface{ Public() any }:
			public = k.Public()
		case *ecdsa.PrivateKey:
			public = &k.PublicKey
		case *rsa.PrivateKey:
			public = &k.PublicKey
		case ed25519.PrivateKey:
			public = k.Public()
		case *ecdh.PrivateKey:
			public = k.PublicKey()
		}
		der := must(x509.MarshalPKIXPublicKey(public))
		k, err := keyfile.Parse(keyfile.PEM(der, "PUBLIC KEY"), nil)
		if err != nil || !k.Attributes.Type.Public() {
			t.Fatalf("%s: %v", name, err)
		}
		out, _, err := keyfile.EncodePublic(k.Attributes, k.Data, keyfile.Standard)
		if err != nil || !bytes.Equal(out, der) {
			t.Errorf("%s: %x, %v", name, out, err)
		}
		// The service may not know the size of an imported key.
		k.Attributes.Bits = 0
		if out, _, err := keyfile.EncodePublic(k.Attributes, k.Data, keyfile.Standard); err != nil || !bytes.Equal(out, der) {
			t.Errorf("%s without bits: %x, %v", name, out, err)
		}
	}
}

func TestEncryptedKeys(t *testing.T) {
	der := must(x509.MarshalPKCS8PrivateKey(keys()["p256"]))
	sealed := must(keyfile.Encrypt(der, []byte("horse")))
	pass := func(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }
	for _, data := range [][]byte{sealed, keyfile.PEM(sealed, keyfile.EncryptedLabel)} {
		k, err := keyfile.Parse(data, pass("horse"))
		if err != nil || k.Form != "encrypted PKCS #8" {
			t.Fatal(err)
		}
		if out, _, _ := keyfile.EncodePrivate(k.Attributes, k.Data, k.Public, keyfile.Standard); !bytes.Equal(out, der) {
			t.Error("another key comes back")
		}
		for _, p := range []func() ([]byte, error){pass("cow"), pass(""), nil} {
			if _, err := keyfile.Parse(data, p); !errors.Is(err, keyfile.ErrPassphrase) {
				t.Errorf("got %v", err)
			}
		}
	}
	if bytes.Equal(sealed, must(keyfile.Encrypt(der, []byte("horse")))) {
		t.Error("salt and nonce are the same twice")
	}
}

func TestHostileCost(t *testing.T) {
	der := must(keyfile.Encrypt(must(x509.MarshalPKCS8PrivateKey(keys()["p256"])), []byte("x")))
	// 600,000 becomes eight million.
	i := bytes.Index(der, []byte{2, 3, 0x09, 0x27, 0xc0})
	if i < 0 {
		t.Fatal("the count of iterations is not where it was")
	}
	bad := bytes.Clone(der)
	copy(bad[i+2:], []byte{0x7f, 0xff, 0xff})
	_, err := keyfile.Parse(bad, func() ([]byte, error) {
		t.Error("the passphrase is asked for")
		return nil, nil
	})
	if err == nil || !strings.Contains(err.Error(), "stretched 8388607 times") {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for want, data := range map[string][]byte{
		"the PEM file holds no key":             []byte("-----BEGIN X-----\n"),
		`a PEM block of type "X509 CRL" is no`:  keyfile.PEM([]byte{1}, "X509 CRL"),
		"an OpenSSH key: convert it":            keyfile.PEM([]byte{1}, "OPENSSH PRIVATE KEY"),
		`PEM block "PRIVATE KEY": not of that`:  keyfile.PEM([]byte{0x30, 0}, "PRIVATE KEY"),
		"neither PEM nor the DER of a key":      []byte("hello"),
		"a key file of more than 1048576 bytes": make([]byte, keyfile.MaxSize+1),
		`PEM block "CERTIFICATE": not of that`:  keyfile.PEM([]byte{1}, "CERTIFICATE"),
		"keys of the algorithm 1.2.3":           {0x30, 0x0d, 2, 1, 0, 0x30, 4, 6, 2, 0x2a, 3, 4, 2, 4, 0},
		"its curve has no name: explicit param": {0x30, 0x14, 2, 1, 0, 0x30, 11, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 0x30, 0, 4, 2, 0x30, 0},
	} {
		if _, err := keyfile.Parse(data, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	for _, a := range []psa.Attributes{{Type: psa.KeyAES, Bits: 128}, {Type: psa.KeyECCPair, Curve: psa.CurveSECTK1, Bits: 233}, {Type: psa.KeyDHPair, Bits: 2048}} {
		if _, _, err := keyfile.EncodePrivate(a, make([]byte, 32), nil, keyfile.Standard); err == nil {
			t.Errorf("%+v has a file form", a)
		}
	}
}

// FuzzParse: any file is refused or gives a key that is written and read again as the
// same.
func FuzzParse(f *testing.F) {
	for _, pair := range keys() {
		der := must(x509.MarshalPKCS8PrivateKey(pair))
		f.Add(der)
		f.Add(keyfile.PEM(der, "PRIVATE KEY"))
		if p, ok := pair.(*ecdsa.PrivateKey); ok {
			f.Add(must(x509.MarshalECPrivateKey(p)))
			f.Add(must(x509.MarshalPKIXPublicKey(&p.PublicKey)))
		}
		if p, ok := pair.(*rsa.PrivateKey); ok {
			f.Add(x509.MarshalPKCS1PrivateKey(p))
			f.Add(x509.MarshalPKCS1PublicKey(&p.PublicKey))
		}
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-128-CBC,00"}, Bytes: []byte{1}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := keyfile.Parse(data, nil)
		if err != nil {
			return
		}
		encode := func() ([]byte, error) {
			if k.Attributes.Type.Public() {
				out, _, err := keyfile.EncodePublic(k.Attributes, k.Data, keyfile.Standard)
				return out, err
			}
			out, _, err := keyfile.EncodePrivate(k.Attributes, k.Data, k.Public, keyfile.Standard)
			return out, err
		}
		out, err := encode()
		if err != nil {
			t.Fatalf("%+v was read but cannot be written: %v", k.Attributes, err)
		}
		again, err := keyfile.ParseDER(out, nil)
		if err != nil || again.Attributes != k.Attributes || !bytes.Equal(again.Data, k.Data) || !bytes.Equal(again.Public, k.Public) {
			t.Errorf("%+v, %x came back as %+v: %v", k.Attributes, k.Data, again, err)
		}
	})
}
