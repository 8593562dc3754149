package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
)

// What is accepted of a chain. Servers take 100 intermediates; the reference goes six up.
const (
	MaxX509Intermediates = 100
	maxX509Between       = 6
	// minX509RSA is larger than minRSA: nobody issues certificates of less any more, and the reference refuses them.
	minX509RSA = 2048
)

// x509Algorithms are those that certificates and lists are signed by. The library checks SHA-1 too, when asked for one signature.
var x509Algorithms = []x509.SignatureAlgorithm{
	x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
	x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
	x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512, x509.PureEd25519,
}

// X509Chain is a certificate, and those that lead from it towards a root, which is not among them; in DER, as received, in any order.
type X509Chain struct {
	Leaf          []byte
	Intermediates [][]byte
}

// link is a certificate with its place in an X509Error.
type link struct {
	*x509.Certificate
	place int
}

func (l link) refuse(reason X509Reason, err error) error {
	return &X509Error{Place: l.place, Reason: reason, Err: err}
}

// CheckShape is what a server asks of a chain: every intermediate is the issuer of one below, by its name, and none is left. Nothing is
// verified by that.
func (c X509Chain) CheckShape() error {
	_, err := c.order()
	return err
}

// order parses, and returns the certificates from the first one up.
func (c X509Chain) order() ([]link, error) {
	if len(c.Intermediates) > MaxX509Intermediates {
		return nil, &X509Error{Reason: X509TooMany}
	}
	leaf, err := parseX509(c.Leaf, 0)
	if err != nil {
		return nil, err
	}
	left := make([]link, 0, len(c.Intermediates))
	for i, der := range c.Intermediates {
		l, err := parseX509(der, i+1)
		if err != nil {
			return nil, err
		}
		left = append(left, l)
	}
	path := []link{leaf}
	for len(left) > 0 {
		i := issuerOf(path[len(path)-1], left)
		if i < 0 {
			return nil, left[0].refuse(X509Unused, nil)
		}
		path = append(path, left[i])
		left = append(left[:i], left[i+1:]...)
	}
	return path, nil
}

// issuerOf returns the index of the certificate that is named as the issuer, or -1.
func issuerOf(child link, among []link) int {
	for i, l := range among {
		if bytes.Equal(l.RawSubject, child.RawIssuer) { //nolint:forbidigo // names are no secret
			return i
		}
	}
	return -1
}

func parseX509(der []byte, place int) (link, error) {
	l := link{place: place}
	if len(der) > maxDER {
		return l, l.refuse(X509Malformed, nil)
	}
	var err error
	if l.Certificate, err = x509.ParseCertificate(der); err != nil {
		return l, l.refuse(X509Malformed, err)
	}
	const version3 = 3
	if l.Version != version3 {
		return l, l.refuse(X509Malformed, nil)
	}
	return l, nil
}

// x509KeyOK reports whether signatures may be believed under the key.
func x509KeyOK(public any) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return rsaSizeOK(key) && key.N.BitLen() >= minX509RSA
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521()
	case ed25519.PublicKey:
		return VerifyKey(key).Check() == nil
	}
	return false
}
