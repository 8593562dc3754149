package pkcs11_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/tokentest"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
)

// pivTool runs OpenSC's piv-tool on the card, with the management key: in the mutual way, for
// the other one fails in 0.23.
func pivTool(t *testing.T, args ...string) error {
	t.Helper()
	tokentest.Need(t, "opensc", "piv-tool")
	management := filepath.Join(t.TempDir(), "management")
	if err := os.WriteFile(management, []byte(hex.EncodeToString(cardtest.ManagementKey)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "piv-tool", append([]string{"-A", "M:9B:03"}, args...)...)
	cmd.Env = append(os.Environ(), "PIV_EXT_AUTH_KEY="+management)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("piv-tool %q: %w\n%s", args, err, out)
	}
	return nil
}

// certify returns a certificate of a public key by an authority of the test.
func certify(t *testing.T, public crypto.PublicKey) []byte {
	t.Helper()
	authority, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "provisioned"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, authority)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// useCard uses the key in the first slot and checks that the card is as before.
func useCard(t *testing.T, card *cardtest.Card, library string, a psa.Attributes, certificate []byte) {
	t.Helper()
	before := card.Objects()
	providertest.Exercise(t, open(t, cardOptions(t, library)), cardKey(1, a))
	if !bytes.Equal(card.Certificate(cardtest.Authentication), certificate) {
		t.Error("the certificate is another one")
	}
	if after := card.Objects(); !bytes.Equal(before, after) {
		t.Error("an object of the card changed")
	}
	untouched(t, card)
}

// TestCardProvisioning: a key and a certificate that OpenSC's tool puts on a card are used,
// and nothing on the card changes by that.
func TestCardProvisioning(t *testing.T) {
	card := cardtest.New(cardtest.Options{})
	insert(t, cardtest.AnyReader, card)
	// piv-tool 0.23 does its work and says that it failed: it cannot write the public half with
	// OpenSSL 3, and takes the length of a certificate for an error. The card knows better.
	if err := pivTool(t, "-G", "9A:07", "-o", filepath.Join(t.TempDir(), "key")); err != nil {
		t.Log(err)
	}
	der := certify(t, card.Public(t, cardtest.Authentication))
	certificate := filepath.Join(t.TempDir(), "certificate")
	if err := os.WriteFile(certificate, encodeCertificate(der), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pivTool(t, "-C", "9A", "-i", certificate); err != nil {
		t.Log(err)
	}
	useCard(t, card, cardtest.OpenSC(t), psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageSignHash | psa.UsageVerifyHash,
		Alg: psa.Algorithm{Kind: psa.AlgRSAPSS, Hash: psa.HashSHA256},
	}, der)
}

// TestYubiKeyProvisioning does the same with Yubico's tool and library, and asks for an
// attestation.
func TestYubiKeyProvisioning(t *testing.T) {
	tokentest.Need(t, "yubico-piv-tool", "yubico-piv-tool")
	card := cardtest.New(cardtest.Options{YubiKey: true})
	insert(t, cardtest.YubiKeyReader, card)
	dir := t.TempDir()
	key, certificate := filepath.Join(dir, "key"), filepath.Join(dir, "certificate")
	tool := func(args ...string) []byte {
		out, err := exec.CommandContext(t.Context(), "yubico-piv-tool", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("yubico-piv-tool %q: %v\n%s", args, err, out)
		}
		return out
	}
	tool("-a", "generate", "-s", "9a", "-A", "ECCP256", "-o", key)
	der := certify(t, card.Public(t, cardtest.Authentication))
	if err := os.WriteFile(certificate, encodeCertificate(der), 0o600); err != nil {
		t.Fatal(err)
	}
	tool("-a", "import-certificate", "-s", "9a", "-i", certificate)
	useCard(t, card, cardtest.YKCS11(t), p256, der)
	block, _ := pem.Decode(tool("-a", "attest", "-s", "9a"))
	if block == nil {
		t.Fatal("there is no attestation")
	}
	attestation, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	by, err := x509.ParseCertificate(card.Certificate(cardtest.Attestation))
	if err != nil {
		t.Fatal(err)
	}
	if err := attestation.CheckSignatureFrom(by); err != nil {
		t.Error(err)
	}
	if !attestation.PublicKey.(*ecdsa.PublicKey).Equal(card.Public(t, cardtest.Authentication)) { //nolint:errcheck,forcetypeassert // made on that curve
		t.Error("the attestation is of another key")
	}
}
