package device_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

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
	// locked is why the token is of no use while nobody has given its PIN.
	locked     error
	stopTPM    func()
	stopToken  func()
	startToken func()
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
	p, err := pkcs11.Open(t.Context(), pkcs11.Options{
		Name: "token", Library: tokentest.Library, Prompt: true, Helper: tokentest.Helper(t), StateDir: t.TempDir(), Token: pkcs11.Selection{Serial: first.Serial},
	})
	if err == nil {
		_ = p.Close()
		t.Fatal("a token without a PIN is open")
	}
	m.locked = err
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

func ecdhOf(t *testing.T) psa.Attributes {
	t.Helper()
	return psa.Attributes{Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH}}
}
