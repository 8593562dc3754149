package client

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// PublicKey converts an exported public key to the standard library's type:
// *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey or *ecdh.PublicKey (X25519). Curves
// that the library lacks are StatusNotSupported.
func PublicKey(a psa.Attributes, data []byte) (crypto.PublicKey, error) {
	switch {
	case a.Type.RSA():
		key, err := x509.ParsePKCS1PublicKey(data)
		if err != nil {
			return nil, badPublic("not a PKCS #1 RSA public key")
		}
		return key, nil
	case a.Type.ECC() && a.Curve == psa.CurveEdwards:
		if len(data) != ed25519.PublicKeySize {
			return nil, badPublic("an Ed25519 public key has 32 bytes")
		}
		return ed25519.PublicKey(data), nil
	case a.Type.ECC() && a.Curve == psa.CurveMontgomery && len(data) == 32:
		return ecdh.X25519().NewPublicKey(data)
	case a.Type.ECC() && a.Curve == psa.CurveSECPR1:
		curve := nistCurve(len(data))
		if curve == nil {
			break
		}
		key, err := ecdsa.ParseUncompressedPublicKey(curve, data)
		if err != nil {
			return nil, badPublic("not a point of " + curve.Params().Name)
		}
		return key, nil
	}
	return nil, wire.Errorf(wire.StatusNotSupported, "the standard library has no public key for type %s of family %s", a.Type, a.Curve)
}

func badPublic(reason string) error {
	return wire.Errorf(wire.StatusDataInvalid, "the exported public key cannot be read: %s", reason)
}

// nistCurve returns the curve whose uncompressed points have n bytes.
func nistCurve(n int) elliptic.Curve {
	for _, c := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if n == 1+2*((c.Params().BitSize+7)/8) {
			return c
		}
	}
	return nil
}

// ecdsaValue is the ASN.1 form of an ECDSA signature.
type ecdsaValue struct {
	R, S *big.Int
}

// ECDSAToASN1 converts r ‖ s to the SEQUENCE that X.509 and TLS use.
func ECDSAToASN1(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, fmt.Errorf("an ECDSA signature r ‖ s of %d bytes", len(raw))
	}
	half := len(raw) / 2
	return asn1.Marshal(ecdsaValue{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
}

// ECDSAFromASN1 converts the SEQUENCE to r ‖ s for a curve of that many bits.
func ECDSAFromASN1(der []byte, bits uint64) ([]byte, error) {
	var v ecdsaValue
	rest, err := asn1.Unmarshal(der, &v)
	if err != nil || len(rest) > 0 || v.R == nil || v.S == nil {
		return nil, errors.New("not an ASN.1 ECDSA signature")
	}
	// The library lets pass what follows within the SEQUENCE: only one form is accepted.
	if only, err := asn1.Marshal(v); err != nil || !bytes.Equal(only, der) { //nolint:forbidigo // public
		return nil, errors.New("not an ASN.1 ECDSA signature in DER")
	}
	if bits == 0 || bits > maxCurveBits {
		return nil, fmt.Errorf("no curve has %d bits", bits)
	}
	size := int(bits+7) / 8
	if v.R.Sign() <= 0 || v.S.Sign() <= 0 || v.R.BitLen() > 8*size || v.S.BitLen() > 8*size {
		return nil, fmt.Errorf("an ECDSA signature out of range for a curve of %d bits", bits)
	}
	raw := make([]byte, 2*size)
	v.R.FillBytes(raw[:size])
	v.S.FillBytes(raw[size:])
	return raw, nil
}

// maxCurveBits is more than any curve of the protocol has.
const maxCurveBits = 1024
