package tpm_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// challenge is a verifier: it encrypts a secret to an endorsement key and a Name.
func challenge(t *testing.T, a providers.Attestable, secret []byte) providers.Credential {
	t.Helper()
	ek, err := x509.ParsePKCS1PublicKey(a.AttestingKey)
	if err != nil {
		t.Fatal(err)
	}
	public := tpm2.RSAEKTemplate
	public.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: ek.N.Bytes()})
	key, err := tpm2.ImportEncapsulationKey(&public)
	if err != nil {
		t.Fatal(err)
	}
	blob, seed, err := tpm2.CreateCredential(rand.Reader, key, a.Name, secret)
	if err != nil {
		t.Fatal(err)
	}
	return providers.Credential{Blob: blob, Secret: seed}
}

func TestAttestation(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	other := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	key, second := providertest.Generate(t, p, ecc(256)), providertest.Generate(t, p, oaep())
	a, err := p.PrepareKeyAttestation(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(a.Public)
	if !bytes.Equal(a.Name, append([]byte{0, 0x0b}, sum[:]...)) {
		t.Errorf("Name %x", a.Name)
	}
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](a.Public)
	if err != nil || !public.ObjectAttributes.FixedTPM || !public.ObjectAttributes.FixedParent || !public.ObjectAttributes.SensitiveDataOrigin {
		t.Errorf("public area %+v, %v", public, err)
	}
	secret := []byte("secret of the verifier")
	c := challenge(t, a, secret)
	for range 2 {
		if got, err := p.AttestKey(t.Context(), key, c); err != nil || !bytes.Equal(got, secret) {
			t.Errorf("%q, %v", got, err)
		}
		sign(t, p, key)
	}
	stranger := providertest.Generate(t, other, ecc(256))
	for what, f := range map[string]func() ([]byte, error){
		"another key": func() ([]byte, error) { return p.AttestKey(t.Context(), second, c) },
		"another TPM": func() ([]byte, error) { return other.AttestKey(t.Context(), stranger, c) },
		"changed": func() ([]byte, error) {
			d := bytes.Clone(c.Blob)
			d[40] ^= 1
			return p.AttestKey(t.Context(), key, providers.Credential{Blob: d, Secret: c.Secret})
		},
		"cut": func() ([]byte, error) {
			return p.AttestKey(t.Context(), key, providers.Credential{Blob: c.Blob[:20], Secret: c.Secret})
		},
		"nothing": func() ([]byte, error) { return p.AttestKey(t.Context(), key, providers.Credential{}) },
		"a long secret": func() ([]byte, error) {
			return p.AttestKey(t.Context(), key, providers.Credential{Blob: c.Blob, Secret: append(c.Secret, 0)})
		},
	} {
		if got, err := f(); wire.StatusOf(err) != wire.StatusInvalidArgument || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	sign(t, p, key)
}

// TestImportedKeysSaySo: a verifier sees that an imported key was known outside.
func TestImportedKeysSaySo(t *testing.T) {
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	scalar := bytes.Repeat([]byte{1}, 32)
	id, err := p.ImportKey(t.Context(), ecc(256), scalar)
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.PrepareKeyAttestation(t.Context(), providers.Key{ID: id, Attributes: ecc(256)})
	if err != nil {
		t.Fatal(err)
	}
	public, err := tpm2.Unmarshal[tpm2.TPMTPublic](a.Public)
	if err != nil || public.ObjectAttributes.FixedTPM || public.ObjectAttributes.SensitiveDataOrigin {
		t.Errorf("public area %+v, %v", public, err)
	}
	attrs := ecc(256)
	attrs.Type = psa.KeyECCPublic
	point, err := p.ExportPublicKey(t.Context(), providers.Key{ID: id, Attributes: ecc(256)})
	if err != nil {
		t.Fatal(err)
	}
	half, err := p.ImportKey(t.Context(), attrs, point)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.PrepareKeyAttestation(t.Context(), providers.Key{ID: half, Attributes: attrs}); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("a public key: %v", err)
	}
}

// TestEndorsementCertificate lets swtpm_setup act as the TPM's maker: the endorsement key
// that keys are attested with is the one that the maker's authority certified.
func TestEndorsementCertificate(t *testing.T) {
	if _, err := exec.LookPath("swtpm_setup"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("swtpm_setup is missing: install the Debian package swtpm-tools")
		}
		t.Skip("install the Debian package swtpm-tools")
	}
	v, authority := tpmtest.StartCertified(t)
	conn, err := v.Dial()
	if err != nil {
		t.Fatal(err)
	}
	der := tpmtest.ReadNV(t, conn, 0x01c00002) // where the certificate of the RSA-2048 key lies
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	// Verifiers of endorsement certificates handle the critical names of the TPM's maker
	// themselves.
	certificate.UnhandledCriticalExtensions = nil
	roots := x509.NewCertPool()
	files, err := filepath.Glob(filepath.Join(authority, "*-rootca-cert.pem"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	pem, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	intermediate, err := os.ReadFile(filepath.Join(authority, "issuercert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	between := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) || !between.AppendCertsFromPEM(intermediate) {
		t.Fatal("no certificates of the authority")
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := certificate.Verify(options); err != nil {
		t.Fatal(err)
	}
	options.Roots = x509.NewCertPool()
	if _, err := certificate.Verify(options); err == nil {
		t.Error("verified by nobody")
	}
	p := open(t, tpm.Options{TCTI: v.TCTI()})
	key := providertest.Generate(t, p, ecc(256))
	a, err := p.PrepareKeyAttestation(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	ek, err := x509.ParsePKCS1PublicKey(a.AttestingKey)
	if err != nil || !ek.Equal(certificate.PublicKey) {
		t.Fatalf("the endorsement key is not the certified one: %v", err)
	}
	secret := []byte("secret")
	if got, err := p.AttestKey(t.Context(), key, challenge(t, a, secret)); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
	var e *wire.Error
	if _, err := p.AttestKey(t.Context(), key, providers.Credential{Blob: []byte{1}, Secret: []byte{2}}); !errors.As(err, &e) || e.Remedy == "" {
		t.Errorf("%v", err)
	}
}
