package device_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

type pin string

func (p pin) Use(f func([]byte) error) error { return f([]byte(p)) }

func openTPM(t *testing.T, v *tpmtest.TPM) providers.Provider {
	t.Helper()
	p, err := tpm.Open(t.Context(), tpm.Options{Name: "tpm", TCTI: v.TCTI(), Root: &tpmtest.Memory{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func openToken(t *testing.T, serial, library string) providers.Provider {
	t.Helper()
	p, err := pkcs11.Open(t.Context(), pkcs11.Options{
		Name: "token", Library: library, PIN: pin(tokentest.PIN), Helper: tokentest.Helper(t), StateDir: t.TempDir(),
		Token: pkcs11.Selection{Serial: serial},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// machine has a TPM and a token, real software ones, and another of each.
type machine struct {
	*world
	tpm, otherTPM     providers.Provider
	token, otherToken providers.Provider
	stopTPM           func()
	stopToken         func()
	startToken        func()
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	v, other := tpmtest.Start(t), tpmtest.Start(t)
	soft := tokentest.New(t)
	first, second := soft.Token("first"), soft.Token("second")
	shim := tokentest.NewShim(t)
	shim.Set()
	m := &machine{world: newWorld(t)}
	m.tpm, m.otherTPM = openTPM(t, v), openTPM(t, other)
	m.token, m.otherToken = openToken(t, first.Serial, shim.Library), openToken(t, second.Serial, tokentest.Library)
	m.stopTPM = v.Stop
	m.startToken = func() { shim.Set() }
	m.stopToken = func() {
		shim.Set("C_GetTokenInfo fail 0xe0", "C_OpenSession fail 0xe0", "C_DecryptInit fail 0x32", "C_DeriveKey fail 0x32", "C_FindObjectsInit fail 0x32")
	}
	m.keys = devicetest.NewKeys(map[string]providers.Provider{"tpm": m.tpm, "token": m.token})
	return m
}

// certified makes an RSA key on a token with a certificate for it, signed by somebody else.
func certified(t *testing.T, p providers.Provider) (providers.Key, []byte) {
	t.Helper()
	attrs := psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageDecrypt | psa.UsageEncrypt, Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256},
	}
	id, err := p.(providers.Generator).GenerateKey(t.Context(), attrs) //nolint:errcheck,forcetypeassert // tokens do
	if err != nil {
		t.Fatal(err)
	}
	key := providers.Key{ID: id, Attributes: attrs}
	public, err := p.(providers.PublicExporter).ExportPublicKey(t.Context(), key) //nolint:errcheck,forcetypeassert // likewise
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := x509.ParsePKCS1PublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Alice"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey, authority)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// cards finds the keys of certificates.
type cards map[trust.X509Hash]func(ciphertext []byte) ([]byte, error)

func (c cards) Decrypt(_ context.Context, ref trust.X509Reference, ciphertext []byte) ([]byte, error) {
	if decrypt := c[ref.Hash]; decrypt != nil {
		return decrypt(ciphertext)
	}
	return nil, &wire.Error{Status: wire.StatusDoesNotExist, Reason: "no token has the key of that certificate", Remedy: "insert the card"}
}

// TestProtectionTable holds each protection against each mishap, with a real software TPM and SoftHSM2.
func TestProtectionTable(t *testing.T) {
	m := newMachine(t)
	key, certificate := certified(t, m.token)
	own := cards{trust.X509HashOf(certificate): func(ciphertext []byte) ([]byte, error) {
		return device.CertificateKey(t.Context(), m.token.(providers.AsymmetricDecrypter), key, ciphertext) //nolint:errcheck,forcetypeassert // likewise
	}}
	m.store = m.with(t, device.Options{Certificates: own})
	table := []struct {
		name       string
		protection device.Protection
		with       device.Secret
		typed      bool   // a wrong secret can be typed
		instance   string // whose absence matters
		portable   bool   // the file opens on another machine
	}{
		{name: "password", protection: password("p"), with: secret("p"), typed: true, portable: true},
		{name: "certificate", protection: device.Protection{Certificate: certificate}, instance: "card"},
		{name: "TPM", protection: device.Protection{Provider: "tpm"}, instance: "tpm"},
		{name: "token", protection: device.Protection{Provider: "token"}, instance: "token"},
		{name: "password and TPM", protection: device.Protection{Password: []byte("p"), Provider: "tpm"}, with: secret("p"), typed: true, instance: "tpm"},
		{name: "password and token", protection: device.Protection{Password: []byte("p"), Provider: "token"}, with: secret("p"), typed: true, instance: "token"},
	}
	devices := map[string]*trust.LocalDevice{}
	for _, row := range table {
		d := m.add(t, "Acme", row.protection)
		devices[row.name] = d
		if err := opens(t, m.store, d, row.with); err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if row.typed {
			refused(t, row.name+", wrong secret", opens(t, m.store, d, secret("x")), device.ErrSecret, wire.StatusNotPermitted)
			if err := opens(t, m.store, d, row.with); err != nil {
				t.Fatalf("%s: %v", row.name, err)
			}
		}
	}

	t.Run("another machine", func(t *testing.T) {
		// It has a TPM and a token too, with keys of the same names, and then none.
		there := &world{dir: filepath.Join(t.TempDir(), "1000"), keys: devicetest.NewKeys(map[string]providers.Provider{"tpm": m.otherTPM, "token": m.otherToken})}
		if err := os.CopyFS(there.dir, os.DirFS(m.dir)); err != nil {
			t.Fatal(err)
		}
		for _, have := range []bool{false, true} {
			there.store = there.with(t, device.Options{Certificates: cards{}})
			for _, row := range table {
				d := devices[row.name]
				if have && row.instance != "card" && row.instance != "" {
					name := "device/1000/" + d.DeviceID.String() + "/a"
					err := there.keys.Make(t.Context(), row.instance, name, func(p providers.Provider) (psa.Attributes, error) { return ecdhOf(t), nil })
					if err != nil {
						t.Fatal(err)
					}
				}
				err := opens(t, there.store, d, row.with)
				switch {
				case row.portable && err != nil, !row.portable && err == nil:
					t.Errorf("%s: %v", row.name, err)
				case !row.portable && row.instance != "card":
					refused(t, row.name, err, wire.StatusNotPermitted, wire.StatusNotPermitted)
				case !row.portable:
					refused(t, row.name, err, wire.StatusDoesNotExist, wire.StatusDoesNotExist)
				}
			}
		}
	})

	t.Run("TPM and token replaced", func(t *testing.T) {
		m.keys.Set("tpm", m.otherTPM)
		m.keys.Set("token", m.otherToken)
		for _, row := range table {
			if row.instance != "tpm" && row.instance != "token" {
				continue
			}
			err := opens(t, m.store, devices[row.name], row.with)
			t.Logf("%s: %v", row.name, err)
			if detail, ok := errors.AsType[*wire.Error](err); !ok || detail.Reason == "" || errors.Is(err, device.ErrSecret) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		m.keys.Set("tpm", m.tpm)
		m.keys.Set("token", m.token)
		for _, row := range table {
			if err := opens(t, m.store, devices[row.name], row.with); err != nil {
				t.Errorf("%s, with the right ones again: %v", row.name, err)
			}
		}
	})

	t.Run("absent", func(t *testing.T) {
		m.stopTPM()
		m.stopToken()
		for _, row := range table {
			err := opens(t, m.store, devices[row.name], row.with)
			if row.instance == "" {
				if err != nil {
					t.Errorf("%s needs neither: %v", row.name, err)
				}
				continue
			}
			t.Logf("%s: %v", row.name, err)
			if detail, ok := errors.AsType[*wire.Error](err); !ok || detail.Reason == "" || errors.Is(err, device.ErrSecret) || errors.Is(err, wire.StatusNotPermitted) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		m.startToken()
		if err := opens(t, m.store, devices["token"], device.Secret{}); err != nil {
			t.Errorf("with the token again: %v", err)
		}
	})
}

func ecdhOf(t *testing.T) psa.Attributes {
	t.Helper()
	return psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH}}
}
