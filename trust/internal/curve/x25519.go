package curve

import (
	"filippo.io/edwards25519/field"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// PublicKey returns the public half of an X25519 key.
func PublicKey(private *[Size]byte) (public [Size]byte) {
	base := [Size]byte{9}
	scrub.Do(func() { x25519(&public, private, &base) })
	return public
}

// Exchange computes what the owners of two X25519 keys have in common (RFC 7748, 5). It reports whether the public key is fit for that:
// with one of small order the result is zero, which everybody can compute.
func Exchange(shared, private, public *[Size]byte) (ok bool) {
	scrub.Do(func() { x25519(shared, private, public) })
	all := byte(0)
	for _, b := range shared {
		all |= b
	}
	return all != 0
}

// ladder is the Montgomery ladder: two points by their projective x.
type ladder struct {
	x1, x2, z2, x3, z3      field.Element
	a, aa, b, bb, e, da, cb field.Element
	scalar                  [Size]byte
}

func x25519(out, private, public *[Size]byte) {
	l := ladder{scalar: *private}
	defer func() { l = ladder{} }()
	l.scalar[0] &= 248
	l.scalar[31] = l.scalar[31]&127 | 64
	_, _ = l.x1.SetBytes(public[:]) // fails for other lengths only
	l.x2.One()
	l.x3.Set(&l.x1)
	l.z3.One()
	swap := 0
	for t := 254; t >= 0; t-- {
		bit := int(l.scalar[t/8]>>(t%8)) & 1
		swap ^= bit
		l.x2.Swap(&l.x3, swap)
		l.z2.Swap(&l.z3, swap)
		swap = bit
		l.step()
	}
	l.x2.Swap(&l.x3, swap)
	l.z2.Swap(&l.z3, swap)
	l.x2.Multiply(&l.x2, l.z2.Invert(&l.z2))
	copy(out[:], l.x2.Bytes())
}

// step doubles one of the points and adds both, with the names of the RFC.
func (l *ladder) step() {
	l.a.Add(&l.x2, &l.z2)
	l.aa.Square(&l.a)
	l.b.Subtract(&l.x2, &l.z2)
	l.bb.Square(&l.b)
	l.e.Subtract(&l.aa, &l.bb)
	l.da.Subtract(&l.x3, &l.z3)
	l.da.Multiply(&l.da, &l.a)
	l.cb.Add(&l.x3, &l.z3)
	l.cb.Multiply(&l.cb, &l.b)
	l.x3.Add(&l.da, &l.cb)
	l.x3.Square(&l.x3)
	l.z3.Subtract(&l.da, &l.cb)
	l.z3.Square(&l.z3)
	l.z3.Multiply(&l.x1, &l.z3)
	l.x2.Multiply(&l.aa, &l.bb)
	const a24 = 121665
	l.z2.Mult32(&l.e, a24)
	l.z2.Add(&l.aa, &l.z2)
	l.z2.Multiply(&l.e, &l.z2)
}
