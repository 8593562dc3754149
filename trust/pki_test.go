package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// x509Keys are made once: RSA keys take long.
var x509Keys = sync.OnceValue(func() (k struct{ rsa, other, small *rsa.PrivateKey }) {
	k.rsa, k.other, k.small = must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 2048)), must(rsa.GenerateKey(rand.Reader, 1024))
	return k
})

// authority is a certificate to be made, with its key.
type authority struct {
	x509.Certificate
	key crypto.Signer
	// der is what was made.
	der []byte
}

// pki makes a person's certificate below some authorities. Tests change it before make.
type pki struct {
	t    testing.TB
	now  time.Time
	leaf *authority
	// up are the authorities above, of which the last is the root.
	up []*authority
	// lists are the revocation lists.
	lists [][]byte
	// sent changes what is sent.
	sent func(*X509Chain)
	// trusted changes what is believed.
	trusted func(roots [][]byte) [][]byte
}

func newPKI(t testing.TB) *pki {
	t.Helper()
	p := &pki{t: t, now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	p.leaf = &authority{key: x509Keys().rsa, Certificate: x509.Certificate{
		Subject: pkix.Name{CommonName: "Alice", Organization: []string{"Example"}}, EmailAddresses: []string{"alice@example.com"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}}
	p.dated(p.leaf)
	p.up = []*authority{p.newAuthority("Intermediate"), p.newAuthority("Root")}
	return p
}

// dated gives a serial number and a year around now.
func (p *pki) dated(a *authority) {
	a.SerialNumber = new(big.Int).Rsh(new(big.Int).SetBytes(must(GenerateAccessToken().Export())), 1)
	a.NotBefore, a.NotAfter = p.now.AddDate(0, -6, 0), p.now.AddDate(0, 6, 0)
}

func (p *pki) newAuthority(name string) *authority {
	a := &authority{key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), Certificate: x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}}
	p.dated(a)
	return a
}

func (p *pki) root() *authority { return p.up[len(p.up)-1] }

// issue makes a certificate of a for its key.
func (p *pki) issue(a, issuer *authority) {
	p.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &a.Certificate, &issuer.Certificate, a.key.Public(), issuer.key)
	if err != nil {
		p.t.Fatal(err)
	}
	a.der = der
	// What was made has what the next one refers to.
	a.RawSubject, a.SubjectKeyId = must(x509.ParseCertificate(der)).RawSubject, must(x509.ParseCertificate(der)).SubjectKeyId
}

// make makes everything, from the root down.
func (p *pki) make() (chain X509Chain, roots [][]byte) {
	p.t.Helper()
	p.issue(p.root(), p.root())
	for i := len(p.up) - 2; i >= 0; i-- {
		p.issue(p.up[i], p.up[i+1])
	}
	p.issue(p.leaf, p.up[0])
	chain.Leaf = p.leaf.der
	for _, a := range p.up[:len(p.up)-1] {
		chain.Intermediates = append(chain.Intermediates, a.der)
	}
	if p.sent != nil {
		p.sent(&chain)
	}
	roots = [][]byte{p.root().der}
	if p.trusted != nil {
		roots = p.trusted(roots)
	}
	return chain, roots
}

// list makes the revocation list of an authority that was made.
func (p *pki) list(a *authority, change func(*x509.RevocationList), revoked ...*authority) {
	p.t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: p.now.AddDate(0, 0, -1), NextUpdate: p.now.AddDate(0, 0, 1)}
	for _, r := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.SerialNumber, RevocationTime: p.now.AddDate(0, 0, -2)})
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, must(x509.ParseCertificate(a.der)), a.key)
	if err != nil {
		p.t.Fatal(err)
	}
	p.lists = append(p.lists, der)
}

func (p *pki) at() DateTime { return must(DateTimeOf(p.now)) }

// validate judges what make made.
func (p *pki) validate(chain X509Chain, roots [][]byte) (*X509Identity, error) {
	t, err := NewX509Trust(roots, p.lists)
	if err != nil {
		return nil, err
	}
	return t.Validate(chain, p.at())
}

// openssl says whether OpenSSL believes the chain, as one of somebody who proves who it is.
func (p *pki) openssl(chain X509Chain, roots [][]byte) (bool, string) {
	p.t.Helper()
	dir := p.t.TempDir()
	write := func(name, kind string, ders ...[]byte) string {
		path, all := filepath.Join(dir, name), []byte{}
		for _, der := range ders {
			all = append(all, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
		}
		if err := os.WriteFile(path, all, 0o600); err != nil {
			p.t.Fatal(err)
		}
		return path
	}
	const certificate = "CERTIFICATE"
	args := []string{
		"verify", "-no-CApath", "-no-CAstore", "-purpose", "sslclient", "-auth_level", "2", "-attime", fmt.Sprint(p.now.Unix()),
		"-verify_depth", fmt.Sprint(maxX509Between), "-CAfile", write("roots", certificate, roots...),
	}
	if len(chain.Intermediates) > 0 {
		args = append(args, "-untrusted", write("between", certificate, chain.Intermediates...))
	}
	if len(p.lists) > 0 {
		args = append(args, "-crl_check_all", "-CRLfile", write("lists", "X509 CRL", p.lists...))
	}
	out, err := exec.CommandContext(p.t.Context(), "openssl", append(args, write("leaf", certificate, chain.Leaf))...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return err == nil, string(out)
}

// needOpenSSL skips without OpenSSL, and fails in CI.
func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is missing (Debian package openssl)")
		}
		t.Skip("openssl is missing (Debian package openssl)")
	}
}
