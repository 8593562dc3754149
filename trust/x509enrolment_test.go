package trust

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// believed makes a chain and validates it.
func (p *pki) believed() (*X509Identity, *X509Trust, X509Chain) {
	p.t.Helper()
	chain, roots := p.make()
	trust := must(NewX509Trust(roots, p.lists))
	identity, err := trust.Validate(chain, p.at())
	if err != nil {
		p.t.Fatal(err)
	}
	return identity, trust, chain
}

func wantX509(t *testing.T, what string, err error, want X509Reason) {
	t.Helper()
	refusal := &X509Error{}
	if !errors.As(err, &refusal) || refusal.Reason != want {
		t.Errorf("%s: %v, want: %v", what, err, want)
	}
}

// TestX509Handle: who a certificate is of.
func TestX509Handle(t *testing.T) {
	name := func(cn string) pkix.AttributeTypeAndValue {
		return pkix.AttributeTypeAndValue{Type: oidCommonName, Value: cn}
	}
	for what, c := range map[string]struct {
		sans   []string
		names  []pkix.AttributeTypeAndValue
		handle string
		emails int
		want   X509Reason
	}{
		"alternative name":            {sans: []string{"a@example.com"}, names: []pkix.AttributeTypeAndValue{name("Alice")}, handle: "Alice <a@example.com>", emails: 1},
		"subject":                     {names: []pkix.AttributeTypeAndValue{name("Alice"), emailName("b@example.com")}, handle: "Alice <b@example.com>", emails: 1},
		"both, alternative first":     {sans: []string{"a@example.com", "c@example.com"}, names: []pkix.AttributeTypeAndValue{emailName("b@example.com"), name("Alice")}, handle: "Alice <a@example.com>", emails: 3},
		"two names, the first counts": {sans: []string{"a@example.com"}, names: []pkix.AttributeTypeAndValue{name("Alice"), name("Mallory")}, handle: "Alice <a@example.com>", emails: 1},
		"no common name":              {sans: []string{"a@example.com"}, want: X509NoName, emails: 1},
		"a name with an address":      {sans: []string{"a@example.com"}, names: []pkix.AttributeTypeAndValue{name("Bob <b@example.com>")}, want: X509BadName, emails: 1},
		"no address":                  {names: []pkix.AttributeTypeAndValue{name("Alice")}, want: X509NoEmail},
		"an address that is none":     {sans: []string{"a@example.com", "b@"}, names: []pkix.AttributeTypeAndValue{name("Alice")}, want: X509BadEmail},
		"an address that is reserved": {sans: []string{"a@redacted.invalid"}, names: []pkix.AttributeTypeAndValue{name("Alice")}, want: X509BadEmail},
	} {
		p := newPKI(t)
		p.leaf.EmailAddresses, p.leaf.Subject = c.sans, pkix.Name{ExtraNames: c.names}
		identity, _, _ := p.believed()
		handle, err := identity.HumanHandle()
		if c.want != 0 {
			wantX509(t, what, err, c.want)
		} else if err != nil || handle.String() != c.handle {
			t.Errorf("%s: %v, %v", what, handle, err)
		}
		if emails, _ := identity.Emails(); len(emails) != c.emails {
			t.Errorf("%s: %v", what, emails)
		}
	}
}

// signedBy is a payload with the signature of a person.
func (p *pki) signedBy(payload []byte, chain X509Chain) X509Signed {
	return X509Signed{Payload: payload, Signature: must(SignX509(p.leaf.key, payload)), Chain: chain}
}

func submission(email string) []byte {
	return must(Dump(&AsyncEnrollmentSubmitPayload{
		VerifyKey: must(GenerateSigningKey().VerifyKey()), PublicKey: must(GeneratePrivateKey().Public()),
		RequestedDeviceLabel: must(NewDeviceLabel("laptop")), RequestedHumanHandle: must(NewHumanHandle(email, "Alice")),
	}))
}

// TestX509Submission: an admin believes a newcomer of the same root, with the address of the certificate.
func TestX509Submission(t *testing.T) {
	p := newPKI(t)
	identity, trust, chain := p.believed()
	trust = trust.Only(identity)
	signed := p.signedBy(submission("alice@example.com"), chain)
	got, who, err := trust.OpenSubmission(signed, p.at())
	if err != nil || got.RequestedHumanHandle.Email.String() != "alice@example.com" || who.Root() != X509HashOf(p.root().der) {
		t.Fatalf("%v, %v", got, err)
	}
	_, _, err = trust.OpenSubmission(p.signedBy(submission("bob@example.com"), chain), p.at())
	wantX509(t, "the address of somebody else", err, X509OtherEmail)
	changed := signed
	changed.Payload = submission("alice@example.com")
	if _, _, err := trust.OpenSubmission(changed, p.at()); !errors.Is(err, ErrSignature) {
		t.Errorf("another payload: %v", err)
	}
	if _, _, err := trust.OpenSubmission(p.signedBy([]byte("payload"), chain), p.at()); !errors.Is(err, ErrFormat) {
		t.Errorf("no payload: %v", err)
	}
	if _, _, err := trust.OpenSubmission(X509Signed{Payload: make([]byte, maxEnrollmentPayload+1)}, p.at()); !errors.Is(err, ErrContent) {
		t.Errorf("a large payload: %v", err)
	}
	if _, _, err := trust.OpenAcceptance(signed, p.at()); !errors.Is(err, ErrContent) {
		t.Errorf("a submission as an answer: %v", err)
	}
	_, _, err = trust.OpenSubmission(signed, must(DateTimeOf(p.leaf.NotAfter.AddDate(0, 0, 1))))
	wantX509(t, "later", err, X509Expired)
}

// TestX509Acceptance: a newcomer believes whoever has a certificate of the same root, and nobody of another one that the machine trusts.
func TestX509Acceptance(t *testing.T) {
	admin, newcomer := newPKI(t), newPKI(t)
	newcomer.up = admin.up
	_, trust, chain := admin.believed()
	payload := must(Dump(&AsyncEnrollmentAcceptPayload{
		DeviceLabel: must(NewDeviceLabel("laptop")), HumanHandle: must(NewHumanHandle("alice@example.com", "Alice")), Profile: Standard,
		RootVerifyKey: must(GenerateSigningKey().VerifyKey()),
	}))
	own := must(trust.Validate(X509Chain{Leaf: chain.Leaf, Intermediates: chain.Intermediates}, admin.at()))
	got, who, err := trust.Only(own).OpenAcceptance(admin.signedBy(payload, chain), admin.at())
	if err != nil || got.Profile != Standard || who.Certificate().Subject.CommonName != "Alice" {
		t.Fatalf("%v, %v", got, err)
	}
	stranger := newPKI(t)
	theirs, roots := stranger.make()
	both := must(NewX509Trust(append(roots, admin.root().der), nil))
	if _, err := both.Validate(theirs, admin.at()); err != nil {
		t.Fatal(err)
	}
	_, _, err = both.Only(own).OpenAcceptance(stranger.signedBy(payload, theirs), admin.at())
	wantX509(t, "another root", err, X509BadSignature) // both roots have the same name
}

// TestX509Usages: a key does what its certificate says.
func TestX509Usages(t *testing.T) {
	for usage, can := range map[x509.KeyUsage]struct{ sign, open bool }{
		0:                              {true, true},
		x509.KeyUsageDigitalSignature:  {sign: true},
		x509.KeyUsageKeyEncipherment:   {open: true},
		x509.KeyUsageDataEncipherment:  {open: true},
		x509.KeyUsageContentCommitment: {},
		x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment: {true, true},
	} {
		p := newPKI(t)
		p.leaf.KeyUsage = usage
		identity, _, _ := p.believed()
		if identity.CanSign() != can.sign || identity.CanDecrypt() != can.open {
			t.Errorf("usage %b: signs %t, opens %t", usage, identity.CanSign(), identity.CanDecrypt())
		}
		if err := identity.Verify([]byte("x"), must(SignX509(p.leaf.key, []byte("x")))); can.sign != (err == nil) {
			t.Errorf("usage %b: signature: %v", usage, err)
		}
		if _, err := identity.Encrypt(GenerateSecretKey()); can.open != (err == nil) {
			t.Errorf("usage %b: encryption: %v", usage, err)
		}
	}
	if _, err := SignX509(newPKI(t).up[0].key, nil); !errors.Is(err, ErrNotRSA) {
		t.Errorf("a signature by another kind of key: %v", err)
	}
}

// TestX509Lists: only a list that says all of it is taken.
func TestX509Lists(t *testing.T) {
	p := newPKI(t)
	p.make()
	issuingPoint := pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}}
	p.list(p.root(), func(l *x509.RevocationList) { l.ExtraExtensions = []pkix.Extension{issuingPoint} })
	for what, der := range map[string][]byte{
		"nothing": {}, "a certificate": p.root().der, "a part": p.lists[0], "too large": make([]byte, maxX509List+1),
	} {
		if _, err := NewX509Trust(nil, [][]byte{der}); !errors.Is(err, errX509List) {
			t.Errorf("%s: %v", what, err)
		}
	}
	sha1 := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: p.now, NextUpdate: p.now, SignatureAlgorithm: x509.SHA1WithRSA}
	p.up = []*authority{p.newAuthority("Root")}
	p.root().key = x509Keys().other
	p.make()
	der := must(x509.CreateRevocationList(rand.Reader, sha1, must(x509.ParseCertificate(p.root().der)), p.root().key))
	if _, err := NewX509Trust(nil, [][]byte{der}); !errors.Is(err, errX509List) {
		t.Errorf("SHA-1: %v", err)
	}
	_, err := NewX509Trust(slices.Repeat([][]byte{p.root().der}, maxX509Roots+1), nil)
	wantX509(t, "too many roots", err, X509TooMany)
	_, err = NewX509Trust(nil, slices.Repeat([][]byte{make([]byte, 1<<20)}, maxX509Lists>>20+1))
	wantX509(t, "too many lists", err, X509TooMany)
	if err := (X509Chain{Leaf: p.leaf.der}).CheckShape(); err != nil {
		t.Errorf("a chain of one: %v", err)
	}
	if text := (&X509Error{Place: 2, Reason: X509Expired}).Error(); !strings.Contains(text, "intermediate 2") || !strings.Contains(text, "expired") {
		t.Error(text)
	}
}
