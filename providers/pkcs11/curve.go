package pkcs11

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// curve is a named curve of the family SECP_R1, or edwards25519.
type curve struct {
	oid  asn1.ObjectIdentifier
	bits uint64
	// name is what CKA_EC_PARAMS has instead of the identifier, empty for those that have
	// the identifier.
	name string
	// std is nil where the standard library lacks the curve.
	std  elliptic.Curve
	p, b *big.Int
}

var curves = []*curve{
	{
		oid: asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 1}, bits: 192,
		p: hexInt("fffffffffffffffffffffffffffffffeffffffffffffffff"), b: hexInt("64210519e59c80e70fa7e9ab72243049feb8deecc146b9b1"),
	},
	known(elliptic.P224(), 1, 3, 132, 0, 33),
	known(elliptic.P256(), 1, 2, 840, 10045, 3, 1, 7),
	known(elliptic.P384(), 1, 3, 132, 0, 34),
	known(elliptic.P521(), 1, 3, 132, 0, 35),
}

// edwards25519 is the curve of Ed25519. Tokens name it as PKCS #11 3.0 does.
var edwards25519 = &curve{oid: asn1.ObjectIdentifier{1, 3, 101, 112}, bits: 255, name: "edwards25519"}

func known(c elliptic.Curve, oid ...int) *curve {
	params := c.Params()
	return &curve{oid: oid, bits: uint64(params.BitSize), std: c, p: params.P, b: params.B} //nolint:gosec // a size is not negative
}

func hexInt(s string) *big.Int {
	n, _ := new(big.Int).SetString(s, 16) // a constant
	return n
}

// curveOf returns the curve of a key.
func curveOf(a psa.Attributes) (*curve, error) {
	switch a.Curve {
	case psa.CurveSECPR1:
		for _, c := range curves {
			if c.bits == a.Bits {
				return c, nil
			}
		}
	case psa.CurveEdwards:
		if a.Bits == edwards25519.bits {
			return edwards25519, nil
		}
	default:
	}
	return nil, wire.Errorf(wire.StatusNotSupported, "curve %s of %d bits is not available on tokens", a.Curve, a.Bits)
}

// size returns the length of a coordinate in bytes.
func (c *curve) size() int { return int(c.bits+7) / 8 } //nolint:gosec // 66 at most

// params returns CKA_EC_PARAMS.
func (c *curve) params() []byte {
	var b []byte
	var err error
	if c.name != "" {
		b, err = asn1.Marshal(c.name)
	} else {
		b, err = asn1.Marshal(c.oid)
	}
	if err != nil {
		return nil // the identifiers are constants
	}
	return b
}

// curveNamed reads CKA_EC_PARAMS: an object identifier or a name.
func curveNamed(params []byte) (*curve, error) {
	all := append(slices.Clone(curves), edwards25519)
	var oid asn1.ObjectIdentifier
	var name string
	if _, err := asn1.Unmarshal(params, &oid); err == nil {
		for _, c := range all {
			if c.oid.Equal(oid) {
				return c, nil
			}
		}
		name = oid.String()
	} else if _, err := asn1.Unmarshal(params, &name); err == nil {
		for _, c := range all {
			if c.name != "" && c.name == name {
				return c, nil
			}
		}
	} else {
		return nil, wire.Errorf(wire.StatusNotSupported, "the token's key is not on a named curve")
	}
	return nil, wire.Errorf(wire.StatusNotSupported, "the token's key is on the curve %s, which is not available", cut(name))
}

// check refuses what is no uncompressed point of the curve. It works on public values, in
// variable time.
func (c *curve) check(point []byte) error {
	if c == edwards25519 { // whether it is on the curve, verification finds out
		if len(point) != ed25519.PublicKeySize {
			return wire.Errorf(wire.StatusInvalidArgument, "a point of this curve has %d bytes, not %d", ed25519.PublicKeySize, len(point))
		}
		return nil
	}
	n := c.size()
	if len(point) != 1+2*n || point[0] != 4 {
		return wire.Errorf(wire.StatusInvalidArgument, "a point of this curve is 04 and two coordinates of %d bytes, not %d bytes", n, len(point))
	}
	x, y := new(big.Int).SetBytes(point[1:1+n]), new(big.Int).SetBytes(point[1+n:])
	if x.Cmp(c.p) >= 0 || y.Cmp(c.p) >= 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "a coordinate of the point exceeds the field")
	}
	// y² = x³ - 3x + b
	right := new(big.Int).Exp(x, big.NewInt(3), c.p)
	right.Sub(right, new(big.Int).Mul(big.NewInt(3), x)).Add(right, c.b).Mod(right, c.p)
	if new(big.Int).Exp(y, big.NewInt(2), c.p).Cmp(right) != 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "the point is not on the curve")
	}
	return nil
}

// encodePoint returns CKA_EC_POINT: the point in a DER octet string, or raw.
func encodePoint(point []byte, p *profile) []byte {
	if p.rawPoint {
		return point
	}
	b, err := asn1.Marshal(point)
	if err != nil {
		return nil // octets always encode
	}
	return b
}

// decodePoint reads a point in either form.
func (c *curve) decodePoint(b []byte) ([]byte, error) {
	var point []byte
	if rest, err := asn1.Unmarshal(b, &point); err == nil && len(rest) == 0 && c.check(point) == nil {
		return point, nil
	}
	if err := c.check(b); err != nil {
		return nil, wire.Errorf(wire.StatusDataInvalid, "the token's CKA_EC_POINT is no point of the key's curve: %v", err)
	}
	return b, nil
}
