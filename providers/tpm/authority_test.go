package tpm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

// needs skips without a tool, under CI it fails.
func needs(t *testing.T, tool, debian string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing: install the Debian package %s", tool, debian)
		}
		t.Skipf("install the Debian package %s", debian)
	}
}

// certify makes an authority that certifies the endorsement key of a statement.
func certify(t *testing.T, s *attestation.Statement, change func(*x509.Certificate)) ([][]byte, *x509.Certificate) {
	t.Helper()
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](s.EndorsementKey)
	if err != nil {
		t.Fatal(err)
	}
	ek, err := tpm2.Pub(*area)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "maker"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageKeyEncipherment,
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{{2, 23, 133, 8, 1}},
	}
	change(leaf)
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &signer.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, ek, signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{der}, parsed
}

// certified is a key that an authority has certified.
type certified struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// authority certifies a new authority, or the endorsement key that is given.
func authority(t *testing.T, by *certified, name string, ek crypto.PublicKey) *certified {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
	}
	public := crypto.PublicKey(&key.PublicKey)
	if ek != nil {
		public, c.KeyUsage, c.UnknownExtKeyUsage = ek, x509.KeyUsageKeyAgreement, []asn1.ObjectIdentifier{{2, 23, 133, 8, 1}}
	} else {
		c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &certified{key, made}
}

// define writes an NV index that everybody reads.
func define(t *testing.T, raw transport.TPM, index tpm2.TPMHandle, content []byte) {
	t.Helper()
	area := tpm2.TPMSNVPublic{
		NVIndex: index, NameAlg: tpm2.TPMAlgSHA256, DataSize: uint16(len(content)),
		Attributes: tpm2.TPMANV{OwnerWrite: true, OwnerRead: true, AuthRead: true, NoDA: true},
	}
	_, err := tpm2.NVDefineSpace{AuthHandle: tpm2.TPMRHOwner, PublicInfo: tpm2.New2B(area)}.Execute(raw)
	if err != nil {
		t.Fatal(err)
	}
	public, err := tpm2.NVReadPublic{NVIndex: index}.Execute(raw)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tpm2.NVWrite{
		AuthHandle: tpm2.TPMRHOwner, NVIndex: tpm2.NamedHandle{Handle: index, Name: public.NVName}, Data: tpm2.TPM2BMaxNVBuffer{Buffer: content},
	}.Execute(raw)
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}
