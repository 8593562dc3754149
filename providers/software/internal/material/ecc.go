package material

import (
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// group is an elliptic curve with its operations.
type group interface {
	// generate returns a new private key in the format of section 3.5.
	generate() ([]byte, error)
	// private parses a private key of the curve's length.
	private(data []byte) (keyMaterial, error)
	// point parses a public key of the curve's length.
	point(data []byte) (keyMaterial, error)
}

// parseECC finds the curve, by the size of the attributes or the length of the data, and
// lets it parse.
func parseECC(a psa.Attributes, data []byte) (keyMaterial, uint64, error) {
	c, err := curveOfData(a, data)
	if err != nil {
		return nil, 0, err
	}
	parse := c.impl.private
	if a.Type.Public() {
		parse = c.impl.point
	}
	m, err := parse(data)
	if err != nil {
		return nil, 0, wire.Errorf(wire.StatusInvalidArgument, "the data is not a key of %s with %d bits: %v", c.family, c.bits, err)
	}
	return m, c.bits, nil
}

func curveOfData(a psa.Attributes, data []byte) (curve, error) {
	if a.Bits != 0 {
		impl, err := curveOf(a.Curve, a.Bits)
		return curve{a.Curve, a.Bits, impl}, err
	}
	size := len(data)
	if a.Type.Public() && a.Curve != psa.CurveMontgomery && a.Curve != psa.CurveEdwards {
		if size%2 == 0 {
			return curve{}, wire.Errorf(wire.StatusInvalidArgument, "the data is not an uncompressed point")
		}
		size /= 2 // 04 ‖ x ‖ y
	}
	return curveFor(a.Curve, size)
}

// Agree computes the raw shared secret with a peer's public key, which must be a valid one
// of the same curve or group. The caller wipes the result.
func (k *Key) Agree(alg psa.Algorithm, peer []byte) ([]byte, error) {
	if err := k.supports(alg, psa.Kind.Agreement); err != nil {
		return nil, err
	}
	m, ok := k.m.(agreer)
	if !ok {
		return nil, k.cannot("agree on a secret")
	}
	secret, err := m.agree(peer)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the peer's public key does not fit: %v", err)
	}
	return secret, nil
}
