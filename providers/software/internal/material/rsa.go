package material

import (
	"crypto/rsa"
	"crypto/x509"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// rsaPublic is an RSA public key.
type rsaPublic struct{ pub *rsa.PublicKey }

// rsaPair is an RSA key pair with its precomputed values.
type rsaPair struct {
	rsaPublic
	priv *rsa.PrivateKey
}

func (k *rsaPublic) public() []byte          { return x509.MarshalPKCS1PublicKey(k.pub) }
func (k *rsaPublic) export() ([]byte, error) { return k.public(), nil }
func (k *rsaPublic) wipe()                   {}
func (k *rsaPair) export() ([]byte, error)   { return x509.MarshalPKCS1PrivateKey(k.priv), nil }

func (k *rsaPair) wipe() {
	pre := &k.priv.Precomputed
	for _, n := range append([]*big.Int{k.priv.D, pre.Dp, pre.Dq, pre.Qinv}, k.priv.Primes...) {
		if n != nil {
			clear(n.Bits())
		}
	}
	// The library's own copy cannot be cleared; without it the key signs no more.
	*k.priv = rsa.PrivateKey{PublicKey: *k.pub, D: new(big.Int)}
}

// parseRSAPair parses the RSAPrivateKey of PKCS#1 with two primes.
func parseRSAPair(data []byte) (keyMaterial, uint64, error) {
	bits, err := rsaShape(data, true)
	if err != nil {
		return nil, 0, err
	}
	k, err := x509.ParsePKCS1PrivateKey(data) // verifies that the numbers fit together
	if err != nil {
		return nil, 0, wire.Errorf(wire.StatusInvalidArgument, "the numbers of the rsa key pair do not fit together")
	}
	return &rsaPair{rsaPublic{&k.PublicKey}, k}, bits, nil
}

// parseRSAPublic parses the RSAPublicKey of PKCS#1.
func parseRSAPublic(data []byte) (keyMaterial, uint64, error) {
	bits, err := rsaShape(data, false)
	if err != nil {
		return nil, 0, err
	}
	k, err := x509.ParsePKCS1PublicKey(data)
	if err != nil {
		return nil, 0, malformedRSA()
	}
	return &rsaPublic{k}, bits, nil
}

func malformedRSA() error {
	return wire.Errorf(wire.StatusInvalidArgument, "the data is not the PKCS#1 DER of an rsa key with two primes")
}

// rsaShape checks the encoding, and what of modulus and exponent is supported, and returns
// the size of the modulus. It is a look before the costly parse, which verifies the numbers.
func rsaShape(data []byte, pair bool) (uint64, error) {
	in := cryptobyte.String(data)
	var version int
	var key cryptobyte.String
	var n, e big.Int
	if !in.ReadASN1(&key, asn1.SEQUENCE) || !in.Empty() ||
		pair && (!key.ReadASN1Integer(&version) || version != 0) ||
		!key.ReadASN1Integer(&n) || !key.ReadASN1Integer(&e) {
		return 0, malformedRSA()
	}
	if pair { // d, p, q, dp, dq, qinv
		for range 6 {
			if !key.SkipASN1(asn1.INTEGER) {
				return 0, malformedRSA()
			}
		}
	}
	if !key.Empty() {
		return 0, malformedRSA()
	}
	return rsaSupported(&n, &e)
}

func rsaSupported(n, e *big.Int) (uint64, error) {
	smallest, largest := rsaSizes[0], rsaSizes[len(rsaSizes)-1]
	bits := uint64(n.BitLen()) //nolint:gosec // not negative
	switch {
	case n.Sign() <= 0 || n.Bit(0) == 0 || e.Sign() <= 0 || e.Bit(0) == 0 || e.BitLen() == 1 || e.Cmp(n) >= 0:
		return 0, wire.Errorf(wire.StatusInvalidArgument, "the modulus or the exponent of the rsa key is invalid")
	case bits < smallest || bits > largest || bits%8 != 0:
		return 0, wire.Errorf(wire.StatusNotSupported,
			"rsa keys have %d to %d bits, in whole bytes; %d are not supported", smallest, largest, bits)
	case e.BitLen() > 31:
		return 0, wire.Errorf(wire.StatusNotSupported, "rsa exponents of more than 31 bits are not supported")
	}
	return bits, nil
}
