package material

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The tables of what sizes keys have. Generate, New and Advise consult the same ones.

// MaxBits is the size of the largest key that the attributes can express, in bits.
const MaxBits = 65528

// fixedSizes are the types whose keys have one of a few sizes in bits.
var fixedSizes = map[psa.KeyType][]uint64{
	psa.KeyAES:      {128, 192, 256},
	psa.KeyCamellia: {128, 192, 256},
	psa.KeyChaCha20: {256},
	psa.KeyDES:      {64, 128, 192},
}

// rsaSizes are the sizes in bits that a caller may name. Imports that name none may have
// any multiple of eight between the first and the last.
var rsaSizes = []uint64{1024, 2048, 3072, 4096}

// checkSize answers what creation of a key with these attributes answers for its size
// (docs/spec/parsec-service.md 6.2): nil, or the status that the original gives.
func checkSize(a psa.Attributes) error {
	if !a.Type.RSA() && !a.Type.ECC() && a.Bits > MaxBits {
		return wire.Errorf(wire.StatusNotSupported, "a key of %d bits is larger than %d", a.Bits, uint64(MaxBits))
	}
	switch {
	case a.Type.RSA():
		return oneOf(a, rsaSizes, wire.StatusInvalidArgument)
	case a.Type.ECC():
		_, err := curveOf(a.Curve, a.Bits)
		return err
	case a.Bits == 0:
		return wire.Errorf(wire.StatusInvalidArgument, "the size of the key is missing")
	case a.Type.DH():
		return oneOf(a, dhSizes, wire.StatusNotSupported)
	case a.Type == psa.KeyARC4:
		return wire.Errorf(wire.StatusNotSupported, "arc4 keys are not supported: the cipher is broken")
	case fixedSizes[a.Type] != nil:
		return oneOf(a, fixedSizes[a.Type], wire.StatusInvalidArgument)
	case a.Bits%8 != 0:
		return wire.Errorf(wire.StatusInvalidArgument, "a key of type %s has whole bytes, %d bits are not", a.Type, a.Bits)
	}
	return nil
}

// CheckRSASize refuses an RSA size that a caller names and that there is not. Other
// attributes pass.
func CheckRSASize(a psa.Attributes) error {
	if !a.Type.RSA() {
		return nil
	}
	return checkSize(a)
}

func oneOf(a psa.Attributes, sizes []uint64, s wire.Status) error {
	if slices.Contains(sizes, a.Bits) {
		return nil
	}
	return wire.Errorf(s, "a key of type %s has %d bits; the possible sizes are %v", a.Type, a.Bits, sizes)
}

// curve is one elliptic curve and who implements it.
type curve struct {
	family psa.Curve
	bits   uint64
	impl   group // nil: the protocol knows the curve, nobody here implements it
}

// curves lists every curve that the original knows. Sizes that are not in the list are
// invalid arguments, those without an implementation are not supported. SECP_R1 of 284
// bits is a misprint of the original for 384; it is kept for its status.
var curves = []curve{
	{psa.CurveSECPK1, 192, koblitz192},
	{psa.CurveSECPK1, 224, nil},
	{psa.CurveSECPK1, 256, koblitz256},
	{psa.CurveSECPR1, 192, random192},
	{psa.CurveSECPR1, 224, nist224},
	{psa.CurveSECPR1, 256, nist256},
	{psa.CurveSECPR1, 284, nil},
	{psa.CurveSECPR1, 384, nist384},
	{psa.CurveSECPR1, 521, nist521},
	{psa.CurveSECTK1, 233, nil},
	{psa.CurveSECTK1, 239, nil},
	{psa.CurveSECTK1, 283, nil},
	{psa.CurveSECTK1, 409, nil},
	{psa.CurveSECTK1, 571, nil},
	{psa.CurveSECTR1, 233, nil},
	{psa.CurveSECTR1, 283, nil},
	{psa.CurveSECTR1, 409, nil},
	{psa.CurveSECTR1, 571, nil},
	{psa.CurveBrainpoolPR1, 192, nil},
	{psa.CurveBrainpoolPR1, 224, nil},
	{psa.CurveBrainpoolPR1, 256, brainpool256},
	{psa.CurveBrainpoolPR1, 320, nil},
	{psa.CurveBrainpoolPR1, 384, brainpool384},
	{psa.CurveBrainpoolPR1, 512, brainpool512},
	{psa.CurveMontgomery, 255, curve25519{}},
	{psa.CurveMontgomery, 448, curve448{}},
	{psa.CurveEdwards, 255, edwards25519{}},
	{psa.CurveEdwards, 448, nil},
}

// curveOf returns the implementation of a named curve.
func curveOf(family psa.Curve, bits uint64) (group, error) {
	known := family == psa.CurveFRP || bits != 0 && (family == psa.CurveSECPR2 || family == psa.CurveSECTR2)
	for _, c := range curves {
		if c.family == family && c.bits == bits {
			if c.impl != nil {
				return c.impl, nil
			}
			known = true
		}
	}
	if known {
		return nil, wire.Errorf(wire.StatusNotSupported, "the curve %s of %d bits is not supported", family, bits)
	}
	return nil, wire.Errorf(wire.StatusInvalidArgument, "there is no curve %s of %d bits", family, bits)
}

// curveFor returns the curve of a family whose coordinates have the given size in bytes:
// how the size of a key that does not name one is found.
func curveFor(family psa.Curve, bytes int) (curve, error) {
	if family == psa.CurveFRP {
		return curve{}, wire.Errorf(wire.StatusNotSupported, "the curve family %s is not supported", family)
	}
	for _, c := range curves {
		if c.family == family && c.impl != nil && byteSize(c.bits) == bytes {
			return c, nil
		}
	}
	return curve{}, wire.Errorf(wire.StatusInvalidArgument, "no supported curve of family %s has keys of that length", family)
}

// byteSize is the number of bytes that hold the bits; sizes come from the tables here.
func byteSize(bits uint64) int { return int((bits + 7) / 8) } //nolint:gosec // at most MaxBits
