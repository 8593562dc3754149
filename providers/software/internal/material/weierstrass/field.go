package weierstrass

import (
	"math/big"
	"math/bits"
)

// maxLimbs is enough for 512-bit moduli.
const maxLimbs = 8

// element is an integer modulo the modulus of a field, in Montgomery form, least
// significant limb first, fully reduced. Limbs beyond the field's are zero.
type element [maxLimbs]uint64

// field is arithmetic modulo an odd prime, in constant time for the elements.
type field struct {
	n       int     // limbs in use
	size    int     // bytes of an encoded element
	m       element // the modulus, not in Montgomery form
	minvneg uint64  // -1/m mod 2^64
	one     element // R mod m
	square  element // R² mod m
	inverse []byte  // m-2, big-endian: the exponent that inverts
}

// newField derives all constants from the modulus, which is public.
func newField(m *big.Int) *field {
	f := &field{n: (m.BitLen() + 63) / 64, size: (m.BitLen() + 7) / 8}
	f.m = f.limbs(m.FillBytes(make([]byte, f.size)))
	inv := f.m[0] // Newton: every step doubles the correct bits, 3 at first
	for range 5 {
		inv *= 2 - f.m[0]*inv
	}
	f.minvneg = -inv
	r := new(big.Int).Lsh(big.NewInt(1), uint(64*f.n))
	mod := func(x *big.Int) element {
		return f.limbs(new(big.Int).Mod(x, m).FillBytes(make([]byte, f.size)))
	}
	f.one, f.square = mod(r), mod(new(big.Int).Mul(r, r))
	f.inverse = new(big.Int).Sub(m, big.NewInt(2)).Bytes()
	return f
}

// limbs spreads a big-endian integer of at most 64·n bits over limbs.
func (f *field) limbs(b []byte) (e element) {
	for i, v := range b {
		pos := len(b) - 1 - i
		e[pos/8] |= uint64(v) << (8 * (pos % 8))
	}
	return e
}

// fromBytes takes a big-endian integer of f.size bytes and reports whether it was below the
// modulus; whether it was is public, its value is not.
func (f *field) fromBytes(b []byte) (element, bool) {
	if len(b) != f.size {
		return element{}, false
	}
	e := f.limbs(b)
	var borrow uint64
	for i := range f.n {
		_, borrow = bits.Sub64(e[i], f.m[i], borrow)
	}
	return f.mul(e, f.square), borrow == 1
}

// reduced takes a big-endian integer below twice the modulus.
func (f *field) reduced(b []byte) element { return f.mul(f.subtract(f.limbs(b), 0), f.square) }

// bytes returns the f.size bytes of e, big-endian.
func (f *field) bytes(e element) []byte {
	e = f.mul(e, element{1})
	b := make([]byte, f.size)
	for i := range b {
		pos := len(b) - 1 - i
		b[i] = byte(e[pos/8] >> (8 * (pos % 8)) & 0xff)
	}
	return b
}

// subtract returns carry·2^(64n) + x, less the modulus if it is not below it. It must be
// below twice the modulus.
func (f *field) subtract(x element, carry uint64) element {
	var d element
	var borrow uint64
	for i, m := range f.m[:f.n] {
		d[i], borrow = bits.Sub64(x[i], m, borrow)
	}
	_, borrow = bits.Sub64(carry, 0, borrow)
	return choose(borrow, x, d)
}

// choose returns a if c is 1, b if it is 0.
func choose(c uint64, a, b element) element {
	mask := -c
	for i := range b {
		b[i] ^= mask & (a[i] ^ b[i])
	}
	return b
}

func (f *field) add(a, b element) element {
	var carry uint64
	for i, v := range b[:f.n] {
		a[i], carry = bits.Add64(a[i], v, carry)
	}
	return f.subtract(a, carry)
}

func (f *field) sub(a, b element) element {
	var borrow, carry uint64
	for i, v := range b[:f.n] {
		a[i], borrow = bits.Sub64(a[i], v, borrow)
	}
	mask := -borrow
	for i, v := range f.m[:f.n] {
		a[i], carry = bits.Add64(a[i], v&mask, carry)
	}
	return a
}

// mul is Montgomery multiplication, interleaved (CIOS): a·b/2^(64n).
func (f *field) mul(a, b element) element {
	var product element
	var top uint64 // limb n of the product; limb n+1 lives only within a turn
	t, x, m := product[:f.n], a[:f.n], f.m[:f.n]
	x, m = x[:len(t)], m[:len(t)] // one length for all, so that the loops need no bounds checks
	for _, y := range b[:f.n] {
		var carry, over uint64
		for j := range t {
			carry, t[j] = multiplyAdd(x[j], y, t[j], carry)
		}
		top, over = bits.Add64(top, carry, 0)
		q := t[0] * f.minvneg
		carry, _ = multiplyAdd(q, m[0], t[0], 0)
		for j := 1; j < len(t); j++ {
			carry, t[j-1] = multiplyAdd(q, m[j], t[j], carry)
		}
		t[len(t)-1], carry = bits.Add64(top, carry, 0)
		top = over + carry
	}
	return f.subtract(product, top)
}

// multiplyAdd returns a·b + c + d, which fits in two limbs.
func multiplyAdd(a, b, c, d uint64) (hi, lo uint64) {
	var carry uint64
	hi, lo = bits.Mul64(a, b)
	lo, carry = bits.Add64(lo, c, 0)
	hi += carry
	lo, carry = bits.Add64(lo, d, 0)
	return hi + carry, lo
}

// invert returns 1/a, or 0 for 0, by Fermat: the exponent is public.
func (f *field) invert(a element) element {
	r := f.one
	for _, v := range f.inverse {
		for bit := 7; bit >= 0; bit-- {
			r = f.mul(r, r)
			if v>>bit&1 == 1 {
				r = f.mul(r, a)
			}
		}
	}
	return r
}

// isZero returns 1 for 0 and 0 for all else.
func isZero(a element) uint64 {
	var or uint64
	for _, v := range a {
		or |= v
	}
	return 1 - (or|-or)>>63
}

// equal returns 1 if both are the same, else 0.
func equal(a, b element) uint64 {
	for i := range a {
		a[i] ^= b[i]
	}
	return isZero(a)
}
