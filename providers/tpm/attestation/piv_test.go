package attestation_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/attestation"
)

// issuer is a key that certifies others.
type issuer struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

var (
	notBefore = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	notAfter  = time.Date(2052, 1, 1, 0, 0, 0, 0, time.UTC)
)

// issue makes a certificate for a new key, by itself when by is nil.
func issue(t *testing.T, by *issuer, name string, change func(*x509.Certificate)) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: notBefore, NotAfter: notAfter}
	if change != nil {
		change(c)
	}
	parent, signer := c, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{key, made}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
}

// attested gives a certificate the extensions that a YubiKey 5.4.3 writes.
func attested(c *x509.Certificate) {
	serial, _ := asn1.Marshal(12345678)
	for n, value := range map[int][]byte{3: {5, 4, 3}, 7: serial, 8: {2, 1}, 9: {3}} {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3, n}, Value: value})
	}
}

func TestPIV(t *testing.T) {
	root := issue(t, nil, "Yubico PIV Root CA", authority)
	// The card's certificate is no authority's in the eyes of RFC 5280.
	f9 := issue(t, root, "Yubico PIV Attestation", nil)
	slot := issue(t, f9, "YubiKey PIV Attestation 9a", attested)
	o := attestation.Options{
		Now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Authorities: []*x509.Certificate{root.certificate},
		Intermediates: []*x509.Certificate{f9.certificate}, Expected: &slot.key.PublicKey,
	}
	r := attestation.VerifyPIV(slot.certificate.Raw, o)
	for _, want := range []attestation.Fact{
		{"card slot", "9a"}, {"card firmware", "5.4.3"}, {"card serial number", "12345678"}, {"PIN policy", "once"}, {"touch policy", "never"}, {"card form", "USB-C"},
	} {
		if !slices.Contains(r.Facts, want) {
			t.Errorf("no %v in %v", want, r.Facts)
		}
	}
	if r.Verdict != attestation.Verified || r.KeyType != "ecc-p256" {
		t.Errorf("%+v", r)
	}
	var both []byte
	for _, c := range []*issuer{slot, f9} {
		both = append(both, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.certificate.Raw})...)
	}
	alone := o
	alone.Intermediates = nil
	if r := attestation.VerifyPIV(both, alone); r.Verdict != attestation.Verified {
		t.Errorf("both in one file: %s", r.Reason)
	}
	other := issue(t, nil, "Yubico PIV Attestation", authority)
	for reason, f := range map[string]func(o *attestation.Options) []byte{
		"none of the given authorities": func(o *attestation.Options) []byte {
			o.Authorities = []*x509.Certificate{other.certificate}
			return slot.certificate.Raw
		},
		"missing among the intermediates": func(o *attestation.Options) []byte {
			o.Intermediates = nil
			return slot.certificate.Raw
		},
		"did not make it": func(*attestation.Options) []byte {
			return issue(t, other, "YubiKey PIV Attestation 9a", attested).certificate.Raw
		},
		"another public key": func(o *attestation.Options) []byte {
			o.Expected = &other.key.PublicKey
			return slot.certificate.Raw
		},
		"has no extensions": func(*attestation.Options) []byte {
			return issue(t, f9, "YubiKey PIV Attestation 9a", nil).certificate.Raw
		},
		"cannot be read": func(*attestation.Options) []byte {
			return issue(t, f9, "x", func(c *x509.Certificate) {
				attested(c)
				for i := range c.ExtraExtensions {
					c.ExtraExtensions[i].Value = []byte{1, 2, 3, 4, 5}
				}
			}).certificate.Raw
		},
		"not now": func(o *attestation.Options) []byte {
			return issue(t, f9, "x", func(c *x509.Certificate) {
				attested(c)
				c.NotAfter = o.Now.AddDate(-1, 0, 0)
			}).certificate.Raw
		},
		"no nonce":                func(o *attestation.Options) []byte { o.Nonce = []byte{1}; return slot.certificate.Raw },
		"there is no certificate": func(*attestation.Options) []byte { return []byte("x") },
	} {
		changed := o
		changed.Expected = nil
		if r := attestation.VerifyPIV(f(&changed), changed); r.Verdict != attestation.Refused || !strings.Contains(r.Reason, reason) {
			t.Errorf("%s: %q, want %q", r.Verdict, r.Reason, reason)
		}
	}
}

func FuzzPIV(f *testing.F) {
	f.Add(vector(f, "authorities.pem"))
	o := options(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if attestation.VerifyPIV(b, o).Verdict == attestation.Verified {
			t.Fatal("verified")
		}
	})
}
