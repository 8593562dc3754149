// Package workloadtest is a SPIFFE Workload API for tests: a gRPC server on a Unix socket
// with real keys, JWT bundles and validation by go-spiffe, behind which stand trust domains
// (Authority) that issue, rotate and revoke.
//
// All types may be used concurrently. Nothing here is linked into a product.
package workloadtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// Authority issues the JWT-SVIDs of one trust domain.
type Authority struct {
	domain spiffeid.TrustDomain
	bundle *jwtbundle.Bundle

	mu      sync.Mutex // guards the fields below
	key     *ecdsa.PrivateKey
	keyID   string
	counter int
}

// NewAuthority returns an authority with one key.
func NewAuthority(t testing.TB, domain string) *Authority {
	t.Helper()
	td, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{domain: td, bundle: jwtbundle.New(td)}
	a.Rotate(t)
	return a
}

// Rotate makes the authority sign with a new key. The old ones stay valid.
func (a *Authority) Rotate(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counter++
	a.key, a.keyID = key, fmt.Sprintf("key-%d", a.counter)
	if err := a.bundle.AddJWTAuthority(a.keyID, key.Public()); err != nil {
		t.Fatal(err)
	}
}

// RevokeOld takes all keys but the present one out of the bundle.
func (a *Authority) RevokeOld(t testing.TB) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	present := map[string]crypto.PublicKey{a.keyID: a.key.Public()}
	a.bundle.SetJWTAuthorities(present)
}

// Claims are what a token says. Zero fields are left out.
type Claims struct {
	// Subject is a whole SPIFFE ID; Path one in the authority's own trust domain.
	Subject, Path string
	Audience      []string
	// Expiry is counted from now.
	Expiry time.Duration
	// Type is the typ header.
	Type string
}

// Issue signs a token. What it says need not be right.
func (a *Authority) Issue(t testing.TB, c Claims) string {
	t.Helper()
	token, err := a.sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (a *Authority) sign(c Claims) (string, error) {
	a.mu.Lock()
	key, keyID := a.key, a.keyID
	a.mu.Unlock()
	opts := (&jose.SignerOptions{}).WithHeader("kid", keyID)
	if c.Type != "" {
		opts = opts.WithType(jose.ContentType(c.Type))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, opts)
	if err != nil {
		return "", err
	}
	claims := jwt.Claims{Subject: c.Subject, Audience: c.Audience, IssuedAt: jwt.NewNumericDate(time.Now())}
	if c.Path != "" {
		claims.Subject = a.domain.IDString() + c.Path
	}
	if c.Expiry != 0 {
		claims.Expiry = jwt.NewNumericDate(time.Now().Add(c.Expiry))
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// Token issues a right token: audience "parsec", one hour.
func (a *Authority) Token(t testing.TB, path string) string {
	t.Helper()
	return a.Issue(t, Claims{Path: path, Audience: []string{"parsec"}, Expiry: time.Hour})
}
