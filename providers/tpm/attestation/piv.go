package attestation

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
)

// Fact is something that hardware says of itself.
type Fact struct{ Name, Value string }

// pivExtension is below the arc of Yubico's extensions for PIV attestation.
var pivExtension = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 41482, 3}

// The checks of a PIV attestation, beside those of a statement.
const (
	checkCard = "card's attestation key"
	checkSlot = "attestation certificate"
)

// VerifyPIV judges the certificate that a PIV card (a YubiKey's slot F9) made for a key that
// was generated in it. The certificate of F9 follows it, or is one of the intermediates. The
// card makes none for an imported key, so the chain alone says that the key was made there.
func VerifyPIV(certificate []byte, o Options) *Report {
	r := &Report{}
	found, err := ParseCertificates(certificate)
	r.judge(checkForm, "it is a certificate", err)
	if err != nil {
		return r.conclude()
	}
	slot := found[0]
	o.Intermediates = slices.Concat(found[1:], o.Intermediates)
	r.Certificate = tell(slot)
	r.KeyType, r.PublicKey = kindOf(slot.PublicKey), slot.RawSubjectPublicKeyInfo
	issuer, err := pivIssuer(slot, o)
	r.judge(checkCard, "one of the given authorities certified it, and it is valid", err)
	r.judge(checkSlot, "the card's attestation key made it, and it is valid", pivSlot(slot, issuer, o))
	facts, err := pivFacts(slot)
	r.Facts = facts
	r.judge(checkKey, "it was made in the card and cannot leave it", err)
	r.expected(o)
	if len(o.Nonce) > 0 {
		r.add(checkFresh, Wrong, "a PIV attestation holds no nonce")
	} else {
		r.add(checkFresh, Skipped, "a PIV attestation may be of any time: have the key sign something new")
	}
	return r.conclude()
}

// pivIssuer returns the certificate of the card's attestation key, verified. That of old
// cards says nothing of being an authority, so it is verified as a certificate of its own.
func pivIssuer(slot *x509.Certificate, o Options) (*x509.Certificate, error) {
	for _, c := range o.Intermediates {
		if bytes.Equal(c.RawSubject, slot.RawIssuer) { //nolint:forbidigo // public
			return c, chain(c, nil, o)
		}
	}
	return nil, fmt.Errorf("the certificate of %q is missing among the intermediates", slot.Issuer)
}

func pivSlot(slot, issuer *x509.Certificate, o Options) error {
	switch {
	case issuer == nil:
		return errors.New("there is no certificate to verify it with")
	case issuer.CheckSignature(slot.SignatureAlgorithm, slot.RawTBSCertificate, slot.Signature) != nil:
		return errors.New("the card's attestation key did not make it: something was changed, or another card did")
	case o.Now.Before(slot.NotBefore) || o.Now.After(slot.NotAfter):
		return fmt.Errorf("it is valid from %s to %s, not now", slot.NotBefore.UTC(), slot.NotAfter.UTC())
	case len(slot.UnhandledCriticalExtensions) > 0:
		return fmt.Errorf("it has a critical extension that is not understood here: %v", slot.UnhandledCriticalExtensions)
	case slot.IsCA:
		return errors.New("it is that of an authority")
	}
	return nil
}

func kindOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsa-%d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("ecc-p%d", k.Curve.Params().BitSize)
	default:
		return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", public), "ed25519."))
	}
}

// pivFacts reads the extensions. Without them it is an ordinary certificate, which proves
// nothing about where the key is.
func pivFacts(c *x509.Certificate) ([]Fact, error) {
	var facts []Fact
	read := map[int]bool{}
	if _, slot, ok := strings.Cut(c.Subject.CommonName, "YubiKey PIV Attestation "); ok {
		facts = append(facts, Fact{"card slot", slot})
	}
	for _, e := range c.Extensions {
		n := len(pivExtension)
		if len(e.Id) != n+1 || !e.Id[:n].Equal(pivExtension) {
			continue
		}
		f, err := pivFact(e.Id[n], e.Value)
		if err != nil || read[e.Id[n]] {
			return facts, fmt.Errorf("the extension %s cannot be read", e.Id)
		}
		read[e.Id[n]] = true
		facts = append(facts, f...)
	}
	const firmware, policy = 3, 8
	if !read[firmware] || !read[policy] {
		return facts, errors.New("the certificate has no extensions of a PIV attestation: it does not say where the key is")
	}
	return facts, nil
}

func pivFact(number int, value []byte) ([]Fact, error) {
	bad := errors.New("malformed")
	switch number {
	case 3:
		if len(value) != 3 {
			return nil, bad
		}
		return []Fact{{"card firmware", fmt.Sprintf("%d.%d.%d", value[0], value[1], value[2])}}, nil
	case 7:
		var serial *big.Int
		if rest, err := asn1.Unmarshal(value, &serial); err != nil || len(rest) > 0 {
			return nil, bad
		}
		return []Fact{{"card serial number", serial.String()}}, nil
	case 8:
		if len(value) != 2 {
			return nil, bad
		}
		return []Fact{
			{"PIN policy", named(value[0], "", "never", "once", "always", "match once", "match always")},
			{"touch policy", named(value[1], "", "never", "always", "cached")},
		}, nil
	case 9:
		if len(value) != 1 {
			return nil, bad
		}
		const kind = 0x3f
		return []Fact{{"card form", named(value[0]&kind, "undefined", "USB-A", "USB-A nano", "USB-C", "USB-C nano", "USB-C Lightning", "USB-A bio", "USB-C bio")}}, nil
	case 10:
		return []Fact{{"card certified", "FIPS"}}, nil
	case 11:
		return []Fact{{"card certification", "CSPN"}}, nil
	default:
		return nil, nil // of later firmware
	}
}

// named returns the name of a number, or the number.
func named(n byte, names ...string) string {
	if int(n) < len(names) && names[n] != "" {
		return names[n]
	}
	return fmt.Sprintf("number %d", n)
}
