package trust

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// X509Trust are the roots that are believed, and the lists of what was revoked below them. It is not changed by use.
type X509Trust struct {
	roots []link
	lists []*x509.RevocationList
}

// How many roots and lists there may be, and how large all lists together.
const (
	maxX509Roots = 1000
	maxX509Lists = 64 << 20
)

// NewX509Trust reads roots and revocation lists, in DER. Without any list nothing is taken for revoked; with one or more, every
// certificate below a root must be covered by one, as the reference has it.
func NewX509Trust(roots, lists [][]byte) (*X509Trust, error) {
	size := 0
	for _, der := range lists {
		size += len(der)
	}
	if len(roots) > maxX509Roots || len(lists) > maxX509Roots || size > maxX509Lists {
		return nil, &X509Error{Reason: X509TooMany}
	}
	t := &X509Trust{}
	for i, der := range roots {
		root, err := parseX509(der, -i-1)
		if err != nil {
			return nil, err
		}
		if err := root.checkAuthority(); err != nil {
			return nil, err
		}
		t.roots = append(t.roots, root)
	}
	for i, der := range lists {
		list, err := parseX509List(der)
		if err != nil {
			return nil, fmt.Errorf("X.509 revocation list %d: %w", i+1, err)
		}
		t.lists = append(t.lists, list)
	}
	return t, nil
}

// Only returns the trust in one root alone, which is that of the own certificate: an enrolment is between people with the same root (3.10).
func (t *X509Trust) Only(own *X509Identity) *X509Trust {
	return &X509Trust{roots: []link{own.path[len(own.path)-1]}, lists: t.lists}
}

// Validate returns who a chain speaks for at a moment. It is refused with an *X509Error.
func (t *X509Trust) Validate(chain X509Chain, at DateTime) (*X509Identity, error) {
	path, err := chain.order()
	if err != nil {
		return nil, err
	}
	if path, err = t.climb(path); err != nil {
		return nil, err
	}
	moment := at.Time()
	for i, l := range path {
		if err := l.checkAt(moment); err != nil {
			return nil, err
		}
		if i == 0 {
			err = l.checkPerson()
		} else {
			err = l.checkAuthority()
		}
		if err != nil {
			return nil, err
		}
	}
	if err := checkX509Path(path, moment); err != nil {
		return nil, err
	}
	for i := range path[:len(path)-1] {
		if err := t.checkRevoked(path[i], path[i+1], moment); err != nil {
			return nil, err
		}
	}
	return &X509Identity{path: path}, nil
}

// climb verifies signatures from below until it comes to a root, which it appends.
func (t *X509Trust) climb(path []link) ([]link, error) {
	for i, l := range path {
		root, err := t.rootOf(l)
		if err == nil {
			return append(slices.Clone(path[:i+1]), root), nil
		}
		switch {
		case i == len(path)-1:
			return nil, err
		case i == maxX509Between:
			return nil, l.refuse(X509TooLong, nil)
		}
		if err := signedX509(l, path[i+1]); err != nil {
			return nil, err
		}
	}
	return nil, &X509Error{Reason: X509IssuerUnknown} // a path is never empty
}

// rootOf returns the root that issued the certificate.
func (t *X509Trust) rootOf(l link) (link, error) {
	err := l.refuse(X509IssuerUnknown, nil)
	for left := t.roots; ; {
		i := issuerOf(l, left)
		if i < 0 {
			return link{}, err
		}
		if err = signedX509(l, left[i]); err == nil {
			return left[i], nil
		}
		left = left[i+1:]
	}
}

// signedX509 checks the signature of a certificate, and nothing else.
func signedX509(child, parent link) error {
	switch {
	case !x509KeyOK(parent.PublicKey):
		return parent.refuse(X509WeakKey, nil)
	case !slices.Contains(x509Algorithms, child.SignatureAlgorithm):
		return child.refuse(X509WeakAlgorithm, nil)
	case parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) != nil:
		return child.refuse(X509BadSignature, nil)
	}
	return nil
}

// checkAt checks what every certificate of a path must fulfil.
func (l link) checkAt(moment time.Time) error {
	switch {
	case moment.Before(l.NotBefore):
		return l.refuse(X509NotYetValid, nil)
	case moment.After(l.NotAfter):
		return l.refuse(X509Expired, nil)
	case len(l.UnhandledCriticalExtensions) > 0:
		return l.refuse(X509UnknownExtension, errors.New(l.UnhandledCriticalExtensions[0].String()))
	case !forClients(l.Certificate):
		return l.refuse(X509NotForClients, nil)
	}
	return nil
}

// forClients reports whether the extended usages, if there are any, have that of clients. Any usage is not enough: the reference wants it named.
func forClients(c *x509.Certificate) bool {
	none := len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0
	return none || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// checkPerson checks the certificate that is asked about: it belongs to nobody who issues others, and has a key that is used here.
func (l link) checkPerson() error {
	if l.IsCA {
		return l.refuse(X509IsAuthority, nil)
	}
	if _, err := x509RSA(l.Certificate); err != nil {
		return l.refuse(X509NotRSA, nil)
	}
	if !x509KeyOK(l.PublicKey) {
		return l.refuse(X509WeakKey, nil)
	}
	return nil
}

// checkAuthority checks that a certificate may issue others.
func (l link) checkAuthority() error {
	signs := l.KeyUsage == 0 || l.KeyUsage&x509.KeyUsageCertSign != 0
	if !l.BasicConstraintsValid || !l.IsCA || !signs {
		return l.refuse(X509NotAuthority, nil)
	}
	if !x509KeyOK(l.PublicKey) {
		return l.refuse(X509WeakKey, nil)
	}
	return nil
}

// checkX509Path has the library look at the path as a whole: lengths, names and policies that authorities are bound to.
func checkX509Path(path []link, moment time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(path[len(path)-1].Certificate)
	for _, l := range path[1 : len(path)-1] {
		between.AddCert(l.Certificate)
	}
	_, err := path[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: moment, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return path[0].refuse(X509Constrained, err)
	}
	return checkSubjectEmails(path)
}

// checkSubjectEmails refuses addresses in the subject, which the library does not look at, below an authority that is bound to some.
func checkSubjectEmails(path []link) error {
	for _, l := range path[1:] {
		if len(l.PermittedEmailAddresses) == 0 && len(l.ExcludedEmailAddresses) == 0 {
			continue
		}
		for _, email := range subjectEmails(path[0].Certificate) {
			if !slices.Contains(path[0].EmailAddresses, email) {
				return path[0].refuse(X509Constrained, nil)
			}
		}
	}
	return nil
}
