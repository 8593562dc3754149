package keyfile

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

var errShape = errors.New("not of that structure")

// sequence opens a SEQUENCE that fills all of der.
func sequence(der []byte) (cryptobyte.String, bool) {
	s, inner := cryptobyte.String(der), cryptobyte.String(nil)
	ok := s.ReadASN1(&inner, tag.SEQUENCE) && s.Empty()
	return inner, ok
}

// algorithm reads an AlgorithmIdentifier: its name, and its parameters as they are.
func algorithm(s *cryptobyte.String) (oid asn1.ObjectIdentifier, params cryptobyte.String, ok bool) {
	var inner cryptobyte.String
	ok = s.ReadASN1(&inner, tag.SEQUENCE) && inner.ReadASN1ObjectIdentifier(&oid)
	return oid, inner, ok
}

// parsePKCS8 reads a PrivateKeyInfo (RFC 5208, RFC 5958).
func parsePKCS8(der []byte) (*Key, error) {
	s, ok := sequence(der)
	var version int
	if !ok || !s.ReadASN1Integer(&version) || version < 0 || version > 1 {
		return nil, errShape
	}
	oid, params, ok := algorithm(&s)
	var inner cryptobyte.String
	if !ok || !s.ReadASN1(&inner, tag.OCTET_STRING) {
		return nil, errShape
	}
	var key *Key
	var err error
	switch {
	case oid.Equal(oidRSA), oid.Equal(oidPSS):
		key, err = parsePKCS1(inner)
		if err == nil && oid.Equal(oidPSS) {
			key.Scheme = psa.AlgRSAPSS
		}
	case oid.Equal(oidEC):
		var name asn1.ObjectIdentifier
		if !params.ReadASN1ObjectIdentifier(&name) {
			return nil, errors.New("its curve has no name: explicit parameters are not supported")
		}
		key, err = parseSEC1(inner, name)
	default:
		key, err = parseBare(oid, inner)
	}
	if err != nil {
		return nil, err
	}
	key.Form = "PKCS #8"
	return key, nil
}

func parseBare(oid asn1.ObjectIdentifier, inner cryptobyte.String) (*Key, error) {
	c, ok := byOID(bare, oid)
	if !ok {
		return nil, fmt.Errorf("keys of the algorithm %s are not supported", oid)
	}
	var scalar cryptobyte.String
	if !inner.ReadASN1(&scalar, tag.OCTET_STRING) || !inner.Empty() || len(scalar) != c.size() {
		return nil, errShape
	}
	return &Key{Attributes: c.pair(), Data: append([]byte(nil), scalar...)}, nil
}

// parsePKCS1 reads an RSAPrivateKey of two primes.
func parsePKCS1(der []byte) (*Key, error) {
	s, ok := sequence(der)
	var version int
	n := new(big.Int)
	if !ok || !s.ReadASN1Integer(&version) || version != 0 || !s.ReadASN1Integer(n) || n.Sign() <= 0 {
		return nil, errShape
	}
	for range 7 { // e, d, p, q, exponents and coefficient
		var v cryptobyte.String
		if !s.ReadASN1(&v, tag.INTEGER) {
			return nil, errShape
		}
	}
	if !s.Empty() {
		return nil, errShape
	}
	return &Key{
		Attributes: psa.Attributes{Type: psa.KeyRSAPair, Bits: uint64(n.BitLen())}, //nolint:gosec // not negative
		Data:       append([]byte(nil), der...), Form: "PKCS #1",
	}, nil
}

// parseSEC1 reads an ECPrivateKey. name is the curve of the surrounding PKCS #8, if any.
func parseSEC1(der []byte, name asn1.ObjectIdentifier) (*Key, error) {
	s, ok := sequence(der)
	var version int
	var scalar, params, public cryptobyte.String
	var hasParams, hasPublic bool
	if !ok || !s.ReadASN1Integer(&version) || version != 1 || !s.ReadASN1(&scalar, tag.OCTET_STRING) ||
		!s.ReadOptionalASN1(&params, &hasParams, tag.Tag(0).Constructed().ContextSpecific()) ||
		!s.ReadOptionalASN1(&public, &hasPublic, tag.Tag(1).Constructed().ContextSpecific()) || !s.Empty() {
		return nil, errShape
	}
	if hasParams && name == nil && !params.ReadASN1ObjectIdentifier(&name) {
		return nil, errors.New("its curve has no name: explicit parameters are not supported")
	}
	c, ok := byOID(curves, name)
	if !ok {
		return nil, fmt.Errorf("the curve %s is not supported", name)
	}
	key := &Key{Attributes: c.pair(), Form: "SEC 1", Data: make([]byte, c.size())}
	// Some programs leave leading zeros out, some write too many.
	for len(scalar) > c.size() && scalar[0] == 0 {
		scalar = scalar[1:]
	}
	if len(scalar) == 0 || len(scalar) > c.size() {
		return nil, errShape
	}
	copy(key.Data[c.size()-len(scalar):], scalar)
	var point asn1.BitString
	if hasPublic && public.ReadASN1BitString(&point) && point.BitLength == 8*len(point.Bytes) {
		key.Public = bytes.Clone(point.Bytes)
	}
	return key, nil
}

// parseSPKI reads a SubjectPublicKeyInfo.
func parseSPKI(der []byte) (*Key, error) {
	s, ok := sequence(der)
	if !ok {
		return nil, errShape
	}
	oid, params, ok := algorithm(&s)
	var bits asn1.BitString
	if !ok || !s.ReadASN1BitString(&bits) || !s.Empty() || bits.BitLength != 8*len(bits.Bytes) {
		return nil, errShape
	}
	key := &Key{Form: "SPKI", Data: bits.Bytes}
	switch {
	case oid.Equal(oidRSA), oid.Equal(oidPSS):
		rsa, err := parsePKCS1Public(bits.Bytes)
		if err != nil {
			return nil, err
		}
		key.Attributes = rsa.Attributes
		if oid.Equal(oidPSS) {
			key.Scheme = psa.AlgRSAPSS
		}
		return key, nil
	case oid.Equal(oidEC):
		var name asn1.ObjectIdentifier
		if !params.ReadASN1ObjectIdentifier(&name) {
			return nil, errors.New("its curve has no name: explicit parameters are not supported")
		}
		c, ok := byOID(curves, name)
		if !ok {
			return nil, fmt.Errorf("the curve %s is not supported", name)
		}
		if len(key.Data) != 1+2*c.size() || key.Data[0] != 4 {
			return nil, errors.New("its point is not in the uncompressed form")
		}
		key.Attributes = c.public()
		return key, nil
	}
	c, ok := byOID(bare, oid)
	if !ok {
		return nil, fmt.Errorf("keys of the algorithm %s are not supported", oid)
	}
	if len(key.Data) != c.size() {
		return nil, errShape
	}
	key.Attributes = c.public()
	return key, nil
}

// parsePKCS1Public reads an RSAPublicKey.
func parsePKCS1Public(der []byte) (*Key, error) {
	s, ok := sequence(der)
	n, e := new(big.Int), new(big.Int)
	if !ok || !s.ReadASN1Integer(n) || !s.ReadASN1Integer(e) || !s.Empty() || n.Sign() <= 0 || e.Sign() <= 0 {
		return nil, errShape
	}
	return &Key{
		Attributes: psa.Attributes{Type: psa.KeyRSAPublic, Bits: uint64(n.BitLen())}, //nolint:gosec // not negative
		Data:       append([]byte(nil), der...), Form: "PKCS #1",
	}, nil
}
