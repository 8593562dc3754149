package tpm_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/providertest"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

// maker is a TPM with the authority that certified its endorsement key.
type maker struct {
	*tpm.Provider
	v       *tpmtest.TPM
	options attestation.Options
}

func made(t *testing.T) maker {
	t.Helper()
	needs(t, "swtpm_setup", "swtpm-tools")
	v, authority := tpmtest.StartCertified(t)
	roots, err := filepath.Glob(filepath.Join(authority, "*-rootca-cert.pem"))
	if err != nil || len(roots) != 1 {
		t.Fatal(roots, err)
	}
	o := attestation.Options{Now: time.Now().Add(time.Hour), Nonce: []byte("nonce of the verifier")}
	o.Authorities = certificates(t, roots[0])
	o.Intermediates = certificates(t, filepath.Join(authority, "issuercert.pem"))
	return maker{open(t, tpm.Options{TCTI: v.TCTI()}), v, o}
}

func certificates(t *testing.T, path string) []*x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found, err := attestation.ParseCertificates(b)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (m maker) state(t *testing.T, key providers.Key) []byte {
	t.Helper()
	b, err := m.CertifyKey(t.Context(), key, providers.CertifyRequest{Nonce: m.options.Nonce, Name: "web/tls", AgentVersion: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answered completes the options with a challenge for the statement that the TPM answered.
func (m maker) answered(t *testing.T, statement []byte) attestation.Options {
	t.Helper()
	c, pending, err := attestation.NewChallenge(statement)
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.AnswerChallenge(t.Context(), c.Encode())
	if err != nil {
		t.Fatal(err)
	}
	o := m.options
	o.Pending = pending
	if o.Answer, err = attestation.DecodeAnswer(b); err != nil {
		t.Fatal(err)
	}
	return o
}

// refuse verifies a statement that must be refused for a reason that holds the text.
func refuse(t *testing.T, statement []byte, o attestation.Options, text string) {
	t.Helper()
	r := attestation.Verify(statement, o)
	if r.Verdict != attestation.Refused || !strings.Contains(r.Reason, text) {
		t.Errorf("%s: %q, want %q", r.Verdict, r.Reason, text)
	}
}

// TestCertifyKey has a verifier follow the whole protocol with all kinds of keys.
func TestCertifyKey(t *testing.T) {
	m := made(t)
	hmac := psa.Attributes{Type: psa.KeyHMAC, Bits: 256, Usage: psa.UsageSignMessage, Alg: psa.Algorithm{Kind: psa.AlgHMAC, Hash: psa.HashSHA256}}
	for kind, attrs := range map[string]psa.Attributes{"ecc-p256": ecc(256), "rsa-2048": oaep(), "hmac": hmac} {
		key := providertest.Generate(t, m.Provider, attrs)
		s := m.state(t, key)
		r := attestation.Verify(s, m.options)
		if r.Verdict != attestation.Incomplete || !strings.HasPrefix(r.Reason, "residence") {
			t.Errorf("%s without a challenge: %s, %s", kind, r.Verdict, r.Reason)
		}
		o := m.answered(t, s)
		r = attestation.Verify(s, o)
		if r.Verdict != attestation.Verified || r.KeyType != kind || r.KeyName != "web/tls" || r.AgentVersion != "1.0" {
			t.Errorf("%s: %+v", kind, r)
		}
		if r.Certificate == nil || r.Certificate.Manufacturer != "id:00001014" || r.Certificate.Model != "swtpm" || r.Clock == nil || r.Clock.Milliseconds == 0 {
			t.Errorf("%+v, %+v", r.Certificate, r.Clock)
		}
		o.Pending, o.Answer, o.Known = nil, nil, r.AttestationKey
		if r := attestation.Verify(m.state(t, key), o); r.Verdict != attestation.Verified {
			t.Errorf("%s with a known attestation key: %s, %s", kind, r.Verdict, r.Reason)
		}
		o.Known = slices.Concat([]byte{0, 11}, make([]byte, 32))
		refuse(t, s, o, "another one than the known one")
		if attrs.Type == psa.KeyHMAC {
			continue
		}
		point, err := x509.ParsePKIXPublicKey(r.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		o = m.answered(t, s)
		o.Expected = point
		if r := attestation.Verify(s, o); r.Verdict != attestation.Verified {
			t.Errorf("%s with the key given: %s, %s", kind, r.Verdict, r.Reason)
		}
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		o.Expected = &other.PublicKey
		refuse(t, s, o, "another public key")
	}
	key := providertest.Generate(t, m.Provider, ecc(256))
	for _, r := range []providers.CertifyRequest{{Nonce: make([]byte, 65)}, {Name: strings.Repeat("a", 1025)}} {
		if _, err := m.CertifyKey(t.Context(), key, r); err == nil {
			t.Errorf("nonce of %d, name of %d bytes", len(r.Nonce), len(r.Name))
		}
	}
}

// TestAttestationRefusals goes through what somebody may try.
func TestAttestationRefusals(t *testing.T) {
	m, other := made(t), made(t)
	key, second := providertest.Generate(t, m.Provider, ecc(256)), providertest.Generate(t, m.Provider, ecc(256))
	s := m.state(t, key)
	o := m.answered(t, s)

	t.Run("replayed", func(t *testing.T) {
		fresh := o
		fresh.Nonce = []byte("another nonce")
		refuse(t, s, fresh, "another nonce")
		fresh.Nonce = nil
		if r := attestation.Verify(s, fresh); r.Verdict != attestation.Verified || r.Checks[len(r.Checks)-2].State != attestation.Skipped {
			t.Errorf("no nonce demanded: %s, %+v", r.Verdict, r.Checks)
		}
	})
	t.Run("wrong authority", func(t *testing.T) {
		wrong := o
		wrong.Authorities = other.options.Authorities
		refuse(t, s, wrong, "none of the given authorities certified it")
		wrong.Authorities = nil
		refuse(t, s, wrong, "none of the given authorities certified it")
	})
	t.Run("bad certificates", func(t *testing.T) {
		for what, change := range map[string]func(*x509.Certificate){
			"not now":                    func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) },
			" to ":                       func(c *x509.Certificate) { c.NotBefore = time.Now().AddDate(1, 0, 0) },
			"no endorsement certificate": func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil },
			"not for encryption":         func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature },
			"critical extension": func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
			},
			"cannot be read": func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 17}, Critical: true, Value: []byte{5}}}
			},
		} {
			mine := decoded(t, s)
			again := o
			var authority *x509.Certificate
			mine.Certificates, authority = certify(t, mine, change)
			again.Authorities = []*x509.Certificate{authority}
			refuse(t, encoded(t, mine), again, what)
		}
	})
	t.Run("certificate of another TPM", func(t *testing.T) {
		foreign, err := attestation.DecodeStatement(other.state(t, providertest.Generate(t, other.Provider, ecc(256))))
		if err != nil {
			t.Fatal(err)
		}
		mine := decoded(t, s)
		mine.Certificates = foreign.Certificates
		trusting := o
		trusting.Authorities = append(slices.Clone(o.Authorities), other.options.Authorities...)
		trusting.Intermediates = append(slices.Clone(o.Intermediates), other.options.Intermediates...)
		refuse(t, encoded(t, mine), trusting, "the certificate is for another key, so of another TPM")
		mine = decoded(t, s)
		mine.Certificates = nil
		refuse(t, encoded(t, mine), o, "has none")
	})
	t.Run("attestation of another key", func(t *testing.T) {
		mine := decoded(t, s)
		mine.Key = decoded(t, m.state(t, second)).Key
		refuse(t, encoded(t, mine), o, "it is about another key")
	})
	t.Run("imported key", func(t *testing.T) {
		id, err := m.ImportKey(t.Context(), ecc(256), bytes.Repeat([]byte{1}, 32))
		if err != nil {
			t.Fatal(err)
		}
		imported := m.state(t, providers.Key{ID: id, Attributes: ecc(256)})
		refuse(t, imported, m.answered(t, imported), "it was made outside the TPM")
	})
	t.Run("answer to another challenge", func(t *testing.T) {
		again := o
		again.Answer = m.answered(t, s).Answer
		refuse(t, s, again, "to another challenge")
		again.Answer = &attestation.Answer{ID: o.Pending.ID, Secret: make([]byte, 32)}
		refuse(t, s, again, "does not hold the secret")
		refuse(t, m.state(t, key), o, "made for another statement")
	})
	t.Run("any byte changed", func(t *testing.T) {
		for i := range s {
			bad := bytes.Clone(s)
			bad[i] ^= 1 << (i % 8)
			if r := attestation.Verify(bad, o); r.Verdict != attestation.Refused {
				t.Fatalf("byte %d of %d: %s", i, len(s), r.Verdict)
			}
			if i%64 == 0 && attestation.Verify(s[:i], o).Verdict != attestation.Refused {
				t.Fatalf("%d of %d bytes", i, len(s))
			}
		}
	})
	t.Run("challenge for another TPM", func(t *testing.T) {
		c, _, err := attestation.NewChallenge(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.AnswerChallenge(t.Context(), c.Encode()); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%v", err)
		}
		if _, err := m.AnswerChallenge(t.Context(), []byte("challenge")); wire.StatusOf(err) != wire.StatusInvalidArgument {
			t.Errorf("%v", err)
		}
	})
}

func decoded(t *testing.T, b []byte) *attestation.Statement {
	t.Helper()
	s, err := attestation.DecodeStatement(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encoded(t *testing.T, s *attestation.Statement) []byte {
	t.Helper()
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSoftwareKeyClaimsTPM plays somebody who has the real TPM's certificate and keys in
// software: everything in the statement is right, and only the challenge tells.
func TestSoftwareKeyClaimsTPM(t *testing.T) {
	m := made(t)
	genuine := decoded(t, m.state(t, providertest.Generate(t, m.Provider, ecc(256))))
	ak, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := tpm2.Unmarshal[tpm2.TPMTPublic](genuine.Key)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(template tpm2.TPMTPublic) []byte {
		template.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{
			X: tpm2.TPM2BECCParameter{Buffer: ak.X.FillBytes(make([]byte, 32))}, Y: tpm2.TPM2BECCParameter{Buffer: ak.Y.FillBytes(make([]byte, 32))},
		})
		return tpm2.Marshal(template)
	}
	forged := *genuine
	forged.AttestationKey, forged.Key = claim(attestation.ECCTemplate()), claim(*claimed)
	forged.Attest, forged.Signature = forge(t, ak, &forged)
	s := encoded(t, &forged)
	r := attestation.Verify(s, m.options)
	if r.Verdict != attestation.Incomplete || !strings.HasPrefix(r.Reason, "residence") {
		t.Fatalf("the forgery is not good enough: %s, %s", r.Verdict, r.Reason)
	}
	c, pending, err := attestation.NewChallenge(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.AnswerChallenge(t.Context(), c.Encode()); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("the TPM answers for a key that it has not: %v", err)
	}
	o := m.options
	o.Pending, o.Answer = pending, &attestation.Answer{ID: c.ID, Secret: make([]byte, 32)}
	refuse(t, s, o, "does not hold the secret")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	public(t, m.v, forged.Key)
}

// updateVectors rewrites the vectors of package attestation.
var updateVectors = flag.Bool("update-vectors", false, "rewrite the vectors of package attestation")

// TestVectors keeps a statement of a real TPM, with the authority that certified it.
func TestVectors(t *testing.T) {
	m := made(t)
	s := m.state(t, providertest.Generate(t, m.Provider, ecc(256)))
	if r := attestation.Verify(s, m.options); r.Verdict != attestation.Incomplete {
		t.Fatalf("%s: %s", r.Verdict, r.Reason)
	}
	if !*updateVectors {
		return
	}
	var authorities []byte
	for _, c := range slices.Concat(m.options.Authorities, m.options.Intermediates) {
		authorities = append(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	for name, content := range map[string][]byte{"statement.bin": s, "authorities.pem": authorities} {
		if err := os.WriteFile(filepath.Join("attestation", "testdata", name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOpenSSLVerifies has somebody else verify the signature of a statement.
func TestOpenSSLVerifies(t *testing.T) {
	needs(t, "openssl", "openssl")
	m := made(t)
	s := decoded(t, m.state(t, providertest.Generate(t, m.Provider, ecc(256))))
	area, err := tpm2.Unmarshal[tpm2.TPMTPublic](s.AttestationKey)
	if err != nil {
		t.Fatal(err)
	}
	ak, err := tpm2.Pub(*area)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(ak)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := tpm2.Unmarshal[tpm2.TPMTSignature](s.Signature)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := signed.Signature.ECDSA()
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(pair.SignatureR.Buffer), new(big.Int).SetBytes(pair.SignatureS.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "ak.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	write(t, dir, "signature", der)
	write(t, dir, "attest", s.Attest)
	command(t, dir, "openssl", "dgst", "-sha256", "-verify", "ak.pem", "-signature", "signature", "attest")
}

// TestMakeCredential has tpm2-tools play the verifier of the original's protocol.
func TestMakeCredential(t *testing.T) {
	needs(t, "tpm2_makecredential", "tpm2-tools")
	p := open(t, tpm.Options{TCTI: tpmtest.Start(t).TCTI()})
	key := providertest.Generate(t, p, ecc(256))
	a, err := p.PrepareKeyAttestation(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	ek, err := x509.ParsePKCS1PublicKey(a.AttestingKey)
	if err != nil {
		t.Fatal(err)
	}
	area := tpm2.RSAEKTemplate
	area.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgRSA, &tpm2.TPM2BPublicKeyRSA{Buffer: ek.N.Bytes()})
	dir, secret := t.TempDir(), []byte("the verifier's secret")
	write(t, dir, "ek.pub", tpm2.Marshal(tpm2.New2B(area)))
	write(t, dir, "secret", secret)
	command(t, dir, "tpm2_makecredential", "-T", "none", "-u", "ek.pub", "-s", "secret", "-n", hex.EncodeToString(a.Name), "-o", "credential")
	b, err := os.ReadFile(filepath.Join(dir, "credential"))
	if err != nil {
		t.Fatal(err)
	}
	b = b[8:] // the tool's magic and version
	n := 2 + int(binary.BigEndian.Uint16(b))
	got, err := p.AttestKey(t.Context(), key, providers.Credential{Blob: b[2:n], Secret: b[n+2:]})
	if err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestECCEndorsement attests with a TPM that has a certificate for its P-256 endorsement
// key only, and its issuer's certificate in NV memory, in two pieces as large ones are.
func TestECCEndorsement(t *testing.T) {
	v := tpmtest.Start(t)
	conn, err := v.Dial()
	if err != nil {
		t.Fatal(err)
	}
	raw := tpmtest.Raw(conn)
	ek, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHEndorsement, InPublic: tpm2.New2B(tpm2.ECCEKTemplate)}.Execute(raw)
	if err != nil {
		t.Fatal(err)
	}
	root := authority(t, nil, "root", nil)
	between := authority(t, root, "between", nil)
	area, err := ek.OutPublic.Contents()
	if err != nil {
		t.Fatal(err)
	}
	public, err := tpm2.Pub(*area)
	if err != nil {
		t.Fatal(err)
	}
	leaf := authority(t, between, "TPM", public)
	issuer := between.certificate.Raw
	for index, content := range map[tpm2.TPMHandle][]byte{
		0x01c0000a: append(bytes.Clone(leaf.certificate.Raw), 0xff, 0xff), 0x01c00100: issuer[:100], 0x01c00101: append(bytes.Clone(issuer[100:]), 0, 0),
	} {
		define(t, raw, index, content)
	}
	if _, err := (tpm2.FlushContext{FlushHandle: ek.ObjectHandle}).Execute(raw); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	m := maker{open(t, tpm.Options{TCTI: v.TCTI()}), v, attestation.Options{
		Now: time.Now(), Nonce: []byte("n"), Authorities: []*x509.Certificate{root.certificate},
	}}
	s := m.state(t, providertest.Generate(t, m.Provider, ecc(256)))
	if r := attestation.Verify(s, m.answered(t, s)); r.Verdict != attestation.Verified {
		t.Errorf("%s: %s", r.Verdict, r.Reason)
	}
	if got := len(decoded(t, s).Certificates); got != 2 {
		t.Errorf("%d certificates", got)
	}
}
