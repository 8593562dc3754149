package keyfile

import (
	"encoding/asn1"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

// Form is a structure in which a key is written.
type Form string

// The forms. Standard is SPKI for public keys and PKCS #8 for private ones; Traditional is
// PKCS #1 for RSA and SEC 1 for ECC.
const (
	Standard    Form = "standard"
	Traditional Form = "traditional"
)

// EncodePublic returns the DER of the public half of a key, and the label of its PEM
// block. a are the attributes of the pair or of the public key.
func EncodePublic(a psa.Attributes, data []byte, form Form) (der []byte, label string, err error) {
	if form == Traditional {
		if !a.Type.RSA() {
			return nil, "", fmt.Errorf("only RSA public keys have a PKCS #1 form, not %s", a.Type)
		}
		return data, "RSA PUBLIC KEY", nil
	}
	oid, params, err := spkiAlgorithm(a, len(data))
	if err != nil {
		return nil, "", err
	}
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, oid, params)
		b.AddASN1BitString(data)
	})
	der, err = b.Bytes()
	return der, "PUBLIC KEY", err
}

// spkiAlgorithm names the algorithm of a key whose public half has n bytes; n counts where
// the attributes leave the size open.
func spkiAlgorithm(a psa.Attributes, n int) (asn1.ObjectIdentifier, func(*cryptobyte.Builder), error) {
	if a.Type.RSA() {
		return oidRSA, addNull, nil
	}
	if !a.Type.ECC() {
		return nil, nil, fmt.Errorf("a key of type %s has no public half", a.Type)
	}
	if c, ok := byAttributes(bare, sized(a, bare, n)); ok {
		return c.oid, nil, nil
	}
	c, ok := byAttributes(curves, sized(a, curves, (n-1)/2))
	if !ok {
		return nil, nil, fmt.Errorf("the curve %s of %d bits has no name in ASN.1 that we know", a.Curve, a.Bits)
	}
	return oidEC, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(c.oid) }, nil
}

// sized fills in the bits that an imported key may lack, from the length of its data.
func sized(a psa.Attributes, list []curve, n int) psa.Attributes {
	for _, c := range list {
		if a.Bits == 0 && c.family == a.Curve && c.size() == n {
			a.Bits = c.bits
		}
	}
	return a
}

// EncodePrivate returns the DER of a key pair, and the label of its PEM block. public is
// the public half of an ECC pair; it may be nil, and then is left out.
func EncodePrivate(a psa.Attributes, data, public []byte, form Form) (der []byte, label string, err error) {
	switch {
	case a.Type == psa.KeyRSAPair && form == Traditional:
		return append([]byte(nil), data...), "RSA PRIVATE KEY", nil
	case a.Type == psa.KeyRSAPair:
		der, err = pkcs8(oidRSA, addNull, data)
		return der, "PRIVATE KEY", err
	case a.Type != psa.KeyECCPair:
		return nil, "", fmt.Errorf("a key of type %s has no PEM or DER form: export its bare bytes", a.Type)
	}
	if c, ok := byAttributes(bare, sized(a, bare, len(data))); ok {
		if form == Traditional {
			return nil, "", fmt.Errorf("keys of the family %s have no SEC 1 form", a.Curve)
		}
		inner, err := octets(data)
		if err != nil {
			return nil, "", err
		}
		defer clear(inner)
		der, err = pkcs8(c.oid, nil, inner)
		return der, "PRIVATE KEY", err
	}
	c, ok := byAttributes(curves, sized(a, curves, len(data)))
	if !ok {
		return nil, "", fmt.Errorf("the curve %s of %d bits has no name in ASN.1 that we know", a.Curve, a.Bits)
	}
	if form == Traditional {
		der, err = sec1(data, public, c.oid)
		return der, "EC PRIVATE KEY", err
	}
	inner, err := sec1(data, public, nil)
	if err != nil {
		return nil, "", err
	}
	defer clear(inner)
	der, err = pkcs8(oidEC, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(c.oid) }, inner)
	return der, "PRIVATE KEY", err
}

func octets(data []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1OctetString(data)
	return b.Bytes()
}

func pkcs8(oid asn1.ObjectIdentifier, params func(*cryptobyte.Builder), inner []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		addAlgorithm(b, oid, params)
		b.AddASN1OctetString(inner)
	})
	return b.Bytes()
}

func sec1(scalar, public []byte, name asn1.ObjectIdentifier) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1OctetString(scalar)
		if name != nil {
			b.AddASN1(tag.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(name) })
		}
		if len(public) > 0 {
			b.AddASN1(tag.Tag(1).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddASN1BitString(public) })
		}
	})
	return b.Bytes()
}

// Encrypt turns the DER of a PKCS #8 key into that of an encrypted one, whose PEM label is
// EncryptedLabel.
func Encrypt(der, passphrase []byte) ([]byte, error) { return seal(passphrase, der) }

// EncryptedLabel is the PEM label of encrypted PKCS #8.
const EncryptedLabel = "ENCRYPTED PRIVATE KEY"

// PEM returns a PEM block.
func PEM(der []byte, label string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}
