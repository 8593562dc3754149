package trust

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"
)

// maxX509List bounds a revocation list: one of 100,000 certificates has 4 MB.
const maxX509List = 16 << 20

var errX509List = errors.New("it is no list that can be read, is not signed safely, or speaks of some certificates only")

// parseX509List reads a list. One with critical extensions speaks of a part of the certificates, or of changes alone: it proves too little.
func parseX509List(der []byte) (*x509.RevocationList, error) {
	if len(der) > maxX509List {
		return nil, errX509List
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil || !slices.Contains(x509Algorithms, list.SignatureAlgorithm) {
		return nil, errX509List
	}
	for _, e := range list.Extensions {
		if e.Critical {
			return nil, errX509List
		}
	}
	return list, nil
}

// checkRevoked asks the lists that the issuer signed.
func (t *X509Trust) checkRevoked(l, issuer link, moment time.Time) error {
	if len(t.lists) == 0 {
		return nil
	}
	reason := X509RevocationUnknown
	for _, list := range t.lists {
		if string(list.RawIssuer) != string(issuer.RawSubject) || list.CheckSignatureFrom(issuer.Certificate) != nil {
			continue
		}
		if isListed(list, l) {
			return l.refuse(X509Revoked, nil)
		}
		switch {
		case !moment.Before(list.ThisUpdate) && moment.Before(list.NextUpdate):
			reason = 0
		case reason != 0:
			reason = X509RevocationStale
		}
	}
	if reason != 0 {
		return l.refuse(reason, nil)
	}
	return nil
}

func isListed(list *x509.RevocationList, l link) bool {
	for i := range list.RevokedCertificateEntries {
		if list.RevokedCertificateEntries[i].SerialNumber.Cmp(l.SerialNumber) == 0 {
			return true
		}
	}
	return false
}
