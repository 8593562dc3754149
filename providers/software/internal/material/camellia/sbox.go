package camellia

// The functions of this file work on the eight bytes of a word at once, in constant time.
// Bytes are elements of GF(2⁸) modulo x⁸+x⁴+x³+x+1: RFC 3713 gives the substitution as a
// table, its designers as h(1/f(x ⊕ c5)) ⊕ 6e in another representation of the field.
// The maps below contain the change of representation; the test compares all 256 values
// with that definition.

const (
	ones     = 0x0101010101010101
	low7     = 0x7f7f7f7f7f7f7f7f
	inShift  = 0x0b * ones
	outShift = 0x6e * ones
)

// matrix is a linear map over GF(2): column i is the image of bit i.
type matrix [8]uint64

var (
	inward  = matrix{0xb8, 0x03, 0xd9, 0x17, 0x0d, 0x59, 0x84, 0xee}
	outward = matrix{0x14, 0x46, 0xfc, 0x7e, 0x66, 0x22, 0x25, 0x3b}
	// Powers of two of an element are linear.
	squared   = matrix{0x01, 0x04, 0x10, 0x40, 0x1b, 0x6c, 0xab, 0x9a}
	fourth    = matrix{0x01, 0x10, 0x1b, 0xab, 0x5e, 0x97, 0xb3, 0xc5}
	sixteenth = matrix{0x01, 0x5e, 0xe4, 0xe8, 0x4d, 0x91, 0x1d, 0x6c}
)

func (m *matrix) apply(x uint64) (r uint64) {
	for i, column := range m {
		r ^= x >> i & ones * column
	}
	return r
}

// multiply is Horner's rule over the bits of b.
func multiply(a, b uint64) (r uint64) {
	for i := 7; i >= 0; i-- {
		r = r&low7<<1 ^ r>>7&ones*0x1b
		r ^= a & (b >> i & ones * 0xff)
	}
	return r
}

// invert returns x²⁵⁴: 1/x, and 0 for 0.
func invert(x uint64) uint64 {
	x2 := squared.apply(x)
	x3 := multiply(x2, x)
	x12 := fourth.apply(x3)
	x15 := multiply(x12, x3)
	return multiply(multiply(sixteenth.apply(x15), x12), x2)
}

// The lanes, most significant byte first, use S-boxes 1 2 3 4 2 3 4 1.
const (
	lanes2 = 0x00ff0000ff000000
	lanes3 = 0x0000ff0000ff0000
	lanes4 = 0x000000ff0000ff00
)

// rotate1 rotates every byte left by one bit, rotate7 by seven.
func rotate1(x uint64) uint64 { return x&low7<<1 | x>>7&ones }
func rotate7(x uint64) uint64 { return x>>1&low7 | x&ones<<7 }

// substitute applies to every byte the S-box of its place: the second is the first rotated
// left, the third rotated right, the fourth the first of a rotated byte.
func substitute(x uint64) uint64 {
	x ^= (x ^ rotate1(x)) & lanes4
	x = outward.apply(invert(inward.apply(x)^inShift)) ^ outShift
	return x ^ (x^rotate1(x))&lanes2 ^ (x^rotate7(x))&lanes3
}
