package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"
)

// x509Cases change one thing each. want is zero where the chain is believed.
var x509Cases = map[string]struct {
	change func(*pki)
	want   X509Reason
	place  int
	// openssl says why OpenSSL believes what is refused here, or refuses what is believed.
	openssl string
}{
	"as it should be":   {change: func(*pki) {}},
	"no intermediate":   {change: func(p *pki) { p.up = p.up[1:] }},
	"six intermediates": {change: func(p *pki) { p.longer(6) }},
	"RSA authorities":   {change: func(p *pki) { p.up[0].key, p.up[1].key = x509Keys().other, x509Keys().other }},
	"Ed25519 root": {change: func(p *pki) {
		_, p.root().key, _ = ed25519.GenerateKey(rand.Reader)
	}},
	"P-384 and P-521": {change: func(p *pki) {
		p.up[0].key, p.up[1].key = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	}},
	"signed with PSS": {change: func(p *pki) {
		p.up[0].key, p.leaf.SignatureAlgorithm = x509Keys().other, x509.SHA256WithRSAPSS
	}},
	"intermediates in another order": {change: func(p *pki) {
		p.longer(3)
		p.sent = func(c *X509Chain) { slices.Reverse(c.Intermediates) }
	}},
	"no usages at all":    {change: func(p *pki) { p.leaf.KeyUsage, p.leaf.ExtKeyUsage = 0, nil }},
	"usages of authority": {change: func(p *pki) { p.up[0].ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }},
	"the root is sent too": {change: func(p *pki) {
		p.sent = func(c *X509Chain) { c.Intermediates = append(c.Intermediates, p.root().der) }
	}},
	"the intermediate is trusted": {
		change:  func(p *pki) { p.trusted = func([][]byte) [][]byte { return [][]byte{p.up[0].der} } },
		openssl: "OpenSSL wants a root that is signed by itself",
	},
	"another root of the same name": {change: func(p *pki) {
		p.trusted = func(roots [][]byte) [][]byte {
			twin := p.newAuthority("Root")
			p.issue(twin, twin)
			return append([][]byte{twin.der}, roots...)
		}
	}},
	"name within bounds": {change: func(p *pki) {
		p.up[0].PermittedEmailAddresses, p.up[0].PermittedDNSDomainsCritical = []string{"example.com"}, true
	}},
	"only for encryption": {
		change: func(p *pki) { p.leaf.KeyUsage = x509.KeyUsageKeyEncipherment }, openssl: "a client of TLS signs; this one may encrypt",
	},

	"nothing": {change: func(p *pki) { p.sent = func(c *X509Chain) { c.Leaf = nil } }, want: X509Malformed},
	"bytes behind": {
		change: func(p *pki) { p.sent = func(c *X509Chain) { c.Leaf = append(bytes.Clone(c.Leaf), 0) } },
		want:   X509Malformed, openssl: "OpenSSL ignores them",
	},
	"an intermediate that cannot be read": {
		change: func(p *pki) {
			p.sent = func(c *X509Chain) { c.Intermediates = append(c.Intermediates, []byte{0x30, 0}) }
		},
		want: X509Malformed, place: 2, openssl: "OpenSSL reads up to what it cannot read",
	},
	"too large": {change: func(p *pki) {
		p.leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, maxDER)}}
	}, want: X509Malformed, openssl: "OpenSSL has no limit of 16 KiB"},
	"too many intermediates": {change: func(p *pki) {
		p.sent = func(c *X509Chain) { c.Intermediates = slices.Repeat(c.Intermediates, MaxX509Intermediates+1) }
	}, want: X509TooMany, openssl: "OpenSSL ignores what it does not need"},
	"seven intermediates": {change: func(p *pki) { p.longer(7) }, want: X509TooLong, place: 6},
	"an intermediate twice": {change: func(p *pki) {
		p.sent = func(c *X509Chain) { c.Intermediates = slices.Repeat(c.Intermediates, 2) }
	}, want: X509Unused, place: 2, openssl: "OpenSSL ignores what it does not need"},
	"an intermediate of somebody else": {change: func(p *pki) {
		other := p.newAuthority("Other")
		p.sent = func(c *X509Chain) {
			p.issue(other, p.root())
			c.Intermediates = slices.Insert(c.Intermediates, 0, other.der)
		}
	}, want: X509Unused, place: 1, openssl: "OpenSSL ignores what it does not need"},
	"no intermediate is sent": {
		change: func(p *pki) { p.sent = func(c *X509Chain) { c.Intermediates = nil } }, want: X509IssuerUnknown,
	},
	"another root": {change: func(p *pki) {
		other := p.newAuthority("Other")
		p.trusted = func([][]byte) [][]byte { p.issue(other, other); return [][]byte{other.der} }
	}, want: X509IssuerUnknown, place: 1},
	"no root":            {change: func(p *pki) { p.trusted = func([][]byte) [][]byte { return nil } }, want: X509IssuerUnknown, place: 1},
	"signed by itself":   {change: func(p *pki) { p.up = []*authority{p.leaf} }, want: X509NotAuthority, place: -1, openssl: "a trusted root may be anything"},
	"a twin of the root": {change: func(p *pki) { p.twin(1) }, want: X509BadSignature, place: 1},
	"a twin between":     {change: func(p *pki) { p.twin(0) }, want: X509BadSignature},
	"a changed byte": {change: func(p *pki) {
		p.sent = func(c *X509Chain) { c.Leaf = bytes.Replace(c.Leaf, []byte("Alice"), []byte("Malic"), 1) }
	}, want: X509BadSignature},
	"SHA-1": {change: func(p *pki) {
		p.up[0].key, p.leaf.SignatureAlgorithm = x509Keys().other, x509.SHA1WithRSA
	}, want: X509WeakAlgorithm},
	"a key of 1024 bits":          {change: func(p *pki) { p.leaf.key = x509Keys().small }, want: X509WeakKey},
	"an authority with 1024 bits": {change: func(p *pki) { p.up[0].key = x509Keys().small }, want: X509WeakKey, place: 1},
	"an authority with P-224":     {change: func(p *pki) { p.up[0].key = p224() }, want: X509WeakKey, place: 1, openssl: "112 bits are enough for its level 2"},
	"a person with P-256":         {change: func(p *pki) { p.leaf.key = p.newAuthority("").key }, want: X509NotRSA, openssl: "any key is good for TLS"},
	"not yet valid": {change: func(p *pki) {
		p.now = p.leaf.NotBefore.AddDate(0, 0, -1)
		p.up[0].NotBefore = p.now
		p.up[1].NotBefore = p.now
	}, want: X509NotYetValid},
	"expired":                            {change: func(p *pki) { p.leaf.NotAfter = p.now.AddDate(0, 0, -1) }, want: X509Expired},
	"an authority that is not yet valid": {change: func(p *pki) { p.up[0].NotBefore = p.now.AddDate(0, 0, 1) }, want: X509NotYetValid, place: 1},
	"an authority that has expired":      {change: func(p *pki) { p.up[0].NotAfter = p.now.AddDate(0, 0, -1) }, want: X509Expired, place: 1},
	"a root that has expired":            {change: func(p *pki) { p.up[1].NotAfter = p.now.AddDate(0, 0, -1) }, want: X509Expired, place: -1},
	"an authority as a person": {change: func(p *pki) {
		p.leaf.IsCA, p.leaf.BasicConstraintsValid = true, true
	}, want: X509IsAuthority, openssl: "any certificate is good for TLS"},
	"a person as an authority": {change: func(p *pki) {
		p.up[0].IsCA = false
	}, want: X509NotAuthority, place: 1},
	"an authority that says nothing of itself": {change: func(p *pki) {
		p.up[0].IsCA, p.up[0].BasicConstraintsValid = false, false
	}, want: X509NotAuthority, place: 1},
	"an authority that signs lists only": {change: func(p *pki) { p.up[0].KeyUsage = x509.KeyUsageCRLSign }, want: X509NotAuthority, place: 1},
	"a root that is no authority":        {change: func(p *pki) { p.up[1].IsCA = false }, want: X509NotAuthority, place: -1},
	"for servers":                        {change: func(p *pki) { p.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, want: X509NotForClients},
	"for anything":                       {change: func(p *pki) { p.leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, want: X509NotForClients},
	"for something unknown":              {change: func(p *pki) { p.leaf.ExtKeyUsage, p.leaf.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 2, 3}} }, want: X509NotForClients},
	"an authority for servers":           {change: func(p *pki) { p.up[0].ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, want: X509NotForClients, place: 1},
	"a critical extension": {change: func(p *pki) {
		p.leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}, want: X509UnknownExtension},
	"a critical extension of an authority": {change: func(p *pki) {
		p.up[0].ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	}, want: X509UnknownExtension, place: 1},
	"longer than the root lets": {change: func(p *pki) {
		p.root().MaxPathLenZero = true
	}, want: X509Constrained},
	"a name out of bounds": {change: func(p *pki) {
		p.up[0].PermittedEmailAddresses, p.up[0].PermittedDNSDomainsCritical = []string{"example.org"}, true
	}, want: X509Constrained},
	"a name that is excluded": {change: func(p *pki) {
		p.root().ExcludedEmailAddresses, p.root().PermittedDNSDomainsCritical = []string{"example.com"}, true
	}, want: X509Constrained},
	"a name of the subject out of bounds": {change: func(p *pki) {
		p.up[0].PermittedEmailAddresses, p.up[0].PermittedDNSDomainsCritical = []string{"example.org"}, true
		p.leaf.EmailAddresses, p.leaf.Subject.ExtraNames = nil, []pkix.AttributeTypeAndValue{emailName("alice@example.com")}
	}, want: X509Constrained},

	"not revoked": {change: func(p *pki) { p.revoking() }},
	"revoked":     {change: func(p *pki) { p.revoking(p.leaf) }, want: X509Revoked},
	"an authority that is revoked": {
		change: func(p *pki) { p.revoking(p.up[0]) }, want: X509Revoked, place: 1,
	},
	"a list that is old": {change: func(p *pki) {
		p.listing(func(l *x509.RevocationList) {
			l.NextUpdate = p.now.AddDate(0, 0, -1)
			l.ThisUpdate = p.now.AddDate(0, 0, -2)
		})
	}, want: X509RevocationStale},
	"a list of the future": {change: func(p *pki) {
		p.listing(func(l *x509.RevocationList) {
			l.NextUpdate = p.now.AddDate(0, 0, 3)
			l.ThisUpdate = p.now.AddDate(0, 0, 2)
		})
	}, want: X509RevocationStale},
	"an old list that revokes": {change: func(p *pki) {
		p.sent = func(*X509Chain) {
			p.list(p.up[0], func(l *x509.RevocationList) {
				l.NextUpdate = p.now.AddDate(0, 0, -1)
				l.ThisUpdate = p.now.AddDate(0, 0, -2)
			}, p.leaf)
			p.list(p.up[1], nil)
		}
	}, want: X509Revoked},
	"a list of the root only": {
		change: func(p *pki) { p.sent = func(*X509Chain) { p.list(p.up[1], nil) } }, want: X509RevocationUnknown,
	},
	"a list by an authority that must not": {change: func(p *pki) {
		p.up[0].KeyUsage = x509.KeyUsageCertSign
		p.sent = func(*X509Chain) {
			may := *p.up[0]
			may.KeyUsage |= x509.KeyUsageCRLSign
			p.issue(&may, p.up[1])
			p.list(&may, nil)
			p.list(p.up[1], nil)
		}
	}, want: X509RevocationUnknown},
	"a list by somebody else of the same name": {change: func(p *pki) {
		p.sent = func(*X509Chain) {
			twin := p.newAuthority("Intermediate")
			p.issue(twin, twin)
			p.list(twin, nil)
			p.list(p.up[1], nil)
		}
	}, want: X509RevocationUnknown},
}

// longer puts n intermediates above the person.
func (p *pki) longer(n int) {
	root := p.root()
	p.up = nil
	for i := range n {
		p.up = append(p.up, p.newAuthority(string(rune('A'+i))))
	}
	p.up = append(p.up, root)
}

// twin sends or trusts, in the place of an authority, another one of its name.
func (p *pki) twin(i int) {
	twin := p.newAuthority(p.up[i].Subject.CommonName)
	if i == len(p.up)-1 {
		p.trusted = func([][]byte) [][]byte { p.issue(twin, twin); return [][]byte{twin.der} }
		return
	}
	p.sent = func(c *X509Chain) { p.issue(twin, p.up[i+1]); c.Intermediates[i] = twin.der }
}

// revoking makes a list of each authority, with whom it revokes.
func (p *pki) revoking(revoked ...*authority) {
	p.sent = func(*X509Chain) {
		for _, a := range p.up {
			p.list(a, nil, revoked...)
		}
	}
}

// listing makes an empty list of each authority.
func (p *pki) listing(change func(*x509.RevocationList)) {
	p.sent = func(*X509Chain) {
		for _, a := range p.up {
			p.list(a, change)
		}
	}
}

func p224() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)) }

func emailName(email string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oidEmailAddress, Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(email)}}
}

// TestX509Chains: each chain is believed, or refused for its reason at its certificate; and OpenSSL says the same, or it is known why not.
func TestX509Chains(t *testing.T) {
	needOpenSSL(t)
	for name, c := range x509Cases {
		t.Run(name, func(t *testing.T) {
			p := newPKI(t)
			c.change(p)
			chain, roots := p.make()
			_, err := p.validate(chain, roots)
			refusal := &X509Error{}
			switch {
			case c.want == 0 && err != nil:
				t.Error(err)
			case c.want != 0 && !errors.As(err, &refusal):
				t.Errorf("%v, want: %v", err, c.want)
			case refusal.Reason != c.want || refusal.Place != c.place:
				t.Errorf("%v, want: %v at %d", err, c.want, c.place)
			}
			believed, said := p.openssl(chain, roots)
			if agree := believed == (err == nil); agree != (c.openssl == "") {
				t.Errorf("OpenSSL believes it: %t; ours says %v; known: %q\n%s", believed, err, c.openssl, said)
			}
		})
	}
}
