package attestation

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/google/go-tpm/tpm2"
)

// nameOf returns the Name of an object.
func nameOf(p *tpm2.TPMTPublic) ([]byte, error) {
	if p.NameAlg != tpm2.TPMAlgSHA256 {
		return nil, errors.New("a public area has no SHA-256 Name")
	}
	n, err := tpm2.ObjectName(p)
	if err != nil {
		return nil, err
	}
	return n.Buffer, nil
}

var curves = map[tpm2.TPMECCCurve]elliptic.Curve{
	tpm2.TPMECCNistP224: elliptic.P224(), tpm2.TPMECCNistP256: elliptic.P256(),
	tpm2.TPMECCNistP384: elliptic.P384(), tpm2.TPMECCNistP521: elliptic.P521(),
}

// publicKey returns the public key of an area, checked to be one.
func publicKey(p *tpm2.TPMTPublic) (crypto.PublicKey, error) {
	switch p.Type {
	case tpm2.TPMAlgRSA:
		parms, err := p.Parameters.RSADetail()
		if err != nil {
			return nil, err
		}
		n, err := p.Unique.RSA()
		if err != nil {
			return nil, err
		}
		k := &rsa.PublicKey{N: new(big.Int).SetBytes(n.Buffer), E: 65537}
		if parms.Exponent != 0 && parms.Exponent != 65537 || k.N.BitLen() != int(parms.KeyBits) || k.N.BitLen() < 1024 || k.N.BitLen() > 8192 {
			return nil, fmt.Errorf("an RSA key of %d bits where %d are announced, exponent %d", k.N.BitLen(), parms.KeyBits, parms.Exponent)
		}
		return k, nil
	case tpm2.TPMAlgECC:
		return ecPublicKey(p)
	default:
		return nil, fmt.Errorf("a key of algorithm 0x%04x has no public half", uint16(p.Type))
	}
}

func ecPublicKey(p *tpm2.TPMTPublic) (*ecdsa.PublicKey, error) {
	parms, err := p.Parameters.ECCDetail()
	if err != nil {
		return nil, err
	}
	u, err := p.Unique.ECC()
	if err != nil {
		return nil, err
	}
	curve, ok := curves[parms.CurveID]
	if !ok {
		return nil, fmt.Errorf("the curve 0x%04x is not known here", uint16(parms.CurveID))
	}
	size := (curve.Params().BitSize + 7) / 8
	x, y := new(big.Int).SetBytes(u.X.Buffer), new(big.Int).SetBytes(u.Y.Buffer)
	if x.BitLen() > 8*size || y.BitLen() > 8*size {
		return nil, errors.New("a coordinate is too long for its curve")
	}
	point := make([]byte, 1+2*size)
	point[0] = 4
	x.FillBytes(point[1 : 1+size])
	y.FillBytes(point[1+size:])
	k, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, errors.New("the public key is no point of its curve")
	}
	return k, nil
}

// equal compares public keys of the standard library.
func equal(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}
