package describe_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/describe"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// text writes items as one string.
func text(items []describe.Item) string {
	var b strings.Builder
	for _, i := range items {
		b.WriteString("[" + i.Kind + "]\n")
		for _, f := range i.Fields {
			b.WriteString(f.Name + "=" + f.Value + "\n")
		}
	}
	return b.String()
}

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func samples() map[string][]byte {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: "a,b", Organization: []string{"o"}}, DNSNames: []string{"x.test"},
		IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)}, URIs: []*url.URL{{Scheme: "spiffe", Host: "x"}}, EmailAddresses: []string{"m@x.test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0), IsCA: true, BasicConstraintsValid: true,
	}
	return map[string][]byte{
		"certificate": must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)),
		"request":     must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: template.Subject}, key)),
		"private":     must(x509.MarshalPKCS8PrivateKey(key)),
		"public":      must(x509.MarshalPKIXPublicKey(key.Public())),
	}
}

func TestFiles(t *testing.T) {
	s := samples()
	chain := append(append(block("CERTIFICATE", s["certificate"]), block("PRIVATE KEY", s["private"])...), block("X509 CRL", []byte("..."))...)
	for name, tc := range map[string]struct {
		data []byte
		want []string
	}{
		"certificate": {s["certificate"], []string{
			"[certificate]", `subject=O=o,CN=a\,b`, "serial=abc", "valid=1970-01-01T00:00:00Z to 2001-09-09T01:46:40Z", "dns=x.test", "ip=192.0.2.1",
			"uri=spiffe://x", "email=m@x.test", "authority=yes", "key=ecc-p256 (public)", "self-signed=good",
		}},
		"request": {block("CERTIFICATE REQUEST", s["request"]), []string{"[certificate request]", "signature=good"}},
		"private": {s["private"], []string{"[private key]", "type=ecc-p256", "form=PKCS #8", "fingerprint=SHA256:"}},
		"public":  {block("PUBLIC KEY", s["public"]), []string{"[public key]", "form=SPKI"}},
		"chain":   {chain, []string{"[certificate]", "[private key]", "[PEM block X509 CRL]", "size=3 bytes"}},
		"damaged": {block("PUBLIC KEY", []byte("x")), []string{"[PEM block PUBLIC KEY]", "problem="}},
		"archive": {[]byte("age-encryption.org/v1\n-> scrypt abc 17\n"), []string{"[encrypted archive (age)]", "as parsecctl restore asks"}},
		"age":     {[]byte("age-encryption.org/v1\n-> X25519 abc\n"), []string{"this is no archive of parsecctl backup"}},
		"legacy": {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-128-CBC,00"}}), []string{
			"[private key, encrypted]",
		}},
	} {
		items, err := describe.File(tc.data, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range tc.want {
			if got := text(items); !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", name, want, got)
			}
		}
	}
	// The fingerprint of a private key is that of its public half.
	private, public := text(must(describe.File(s["private"], nil))), text(must(describe.File(s["public"], nil)))
	_, a, _ := strings.Cut(private, "fingerprint=")
	_, b, _ := strings.Cut(public, "fingerprint=")
	if a != b || a == "" {
		t.Errorf("%s%s", a, b)
	}
}

func TestRefusals(t *testing.T) {
	for want, data := range map[string][]byte{
		"it is empty":           nil,
		"its PEM is damaged":    []byte("-----BEGIN CERTIFICATE-----\n"),
		"neither PEM nor the D": []byte("hello"),
	} {
		if _, err := describe.File(data, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestSplit: what can hold a key is described here, also when it is damaged, and the rest is for others.
func TestSplit(t *testing.T) {
	s := samples()
	armour := block("PARSEC SEQUESTER SERVICE CERTIFICATE", []byte("x"))
	signed := append(append([]byte{0x30, 0x82, 0xff, 0xff}, make([]byte, 60)...), 0, 0x28, 0xb5, 0x2f, 0xfd, 1)
	for name, tc := range map[string]struct{ data, foreign, own []byte }{
		"empty":        {nil, nil, []byte{}},
		"DER":          {s["private"], nil, s["private"]},
		"DER, cut off": {s["private"][:50], nil, s["private"][:50]},
		"PEM":          {block("PRIVATE KEY", s["private"]), nil, block("PRIVATE KEY", s["private"])},
		"archive":      {[]byte("age-encryption.org/v1\n"), nil, []byte("age-encryption.org/v1\n")},
		"armour":       {armour, armour, nil},
		"both":         {append(bytes.Clone(armour), block("PRIVATE KEY", s["private"])...), armour, block("PRIVATE KEY", s["private"])},
		"broken":       {armour[:50], nil, armour[:50]},
		"signed":       {signed, signed, nil},
		"text":         {[]byte("abc"), []byte("abc"), nil},
	} {
		foreign, own := describe.Split(tc.data)
		if !bytes.Equal(foreign, tc.foreign) || !bytes.Equal(own, tc.own) || (own == nil) != (tc.own == nil) {
			t.Errorf("%s: %q and %q", name, foreign, own)
		}
	}
}

// FuzzFile: any file is described or refused, and no private key shows.
func FuzzFile(f *testing.F) {
	s := samples()
	for _, der := range s {
		f.Add(der)
	}
	f.Add(block("CERTIFICATE", s["certificate"]))
	f.Add([]byte("age-encryption.org/v1\n"))
	secret := s["private"][36:68]
	f.Fuzz(func(t *testing.T, data []byte) {
		items, err := describe.File(data, nil)
		if (err == nil) == (len(items) == 0) {
			t.Errorf("%d items, %v", len(items), err)
		}
		out := text(items)
		if bytes.Contains(data, secret) && (strings.Contains(out, string(secret)) || strings.Contains(out, base64.StdEncoding.EncodeToString(secret)[:40])) {
			t.Errorf("the private key shows:\n%s", out)
		}
	})
}
