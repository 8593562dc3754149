package weierstrass

import (
	"errors"
	"math/big"
	"sync"
)

// Curve is y² = x³ + ax + b over a prime field, with a group of prime order.
type Curve struct {
	name      string
	p, n      *field // coordinates and scalars
	a, b, b3  element
	base      point
	baseTable func() []table
}

// params are the domain parameters in hexadecimal, as in SEC 2 and RFC 5639.
type params struct{ name, p, a, b, x, y, n string }

func newCurve(d params) func() *Curve {
	return sync.OnceValue(func() *Curve {
		c := &Curve{name: d.name, p: newField(integer(d.p)), n: newField(integer(d.n))}
		coordinate := func(s string) element {
			return c.p.reduced(integer(s).FillBytes(make([]byte, c.p.size)))
		}
		c.a, c.b = coordinate(d.a), coordinate(d.b)
		c.b3 = c.p.add(c.p.add(c.b, c.b), c.b)
		c.base = point{coordinate(d.x), coordinate(d.y), c.p.one}
		c.baseTable = sync.OnceValue(c.powers)
		return c
	})
}

// integer parses a constant of this package.
func integer(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("weierstrass: malformed constant " + s)
	}
	return n
}

// String returns the curve's name in SEC 2 or RFC 5639.
func (c *Curve) String() string { return c.name }

// Size is the length in bytes of a scalar, of a coordinate and of a shared secret; public
// keys have 1+2·Size bytes, signatures 2·Size.
func (c *Curve) Size() int { return c.p.size }

// point is a point in homogeneous coordinates (x/z, y/z); z is 0 for infinity.
type point struct{ x, y, z element }

// add is complete: it is right for all pairs of points, equal and opposite ones and
// infinity included, and takes the same steps for all (Renes, Costello, Batina, algorithm 1).
func (c *Curve) add(p, q point) point {
	f := c.p
	t0, t1, t2 := f.mul(p.x, q.x), f.mul(p.y, q.y), f.mul(p.z, q.z)
	// The mixed sums x₁y₂+x₂y₁, x₁z₂+x₂z₁ and y₁z₂+y₂z₁, one multiplication each.
	t3 := f.sub(f.mul(f.add(p.x, p.y), f.add(q.x, q.y)), f.add(t0, t1))
	t4 := f.sub(f.mul(f.add(p.x, p.z), f.add(q.x, q.z)), f.add(t0, t2))
	t5 := f.sub(f.mul(f.add(p.y, p.z), f.add(q.y, q.z)), f.add(t1, t2))
	z := f.add(f.mul(c.b3, t2), f.mul(c.a, t4))
	x := f.sub(t1, z)
	z = f.add(t1, z)
	y := f.mul(x, z)
	t2 = f.mul(c.a, t2)
	t1 = f.add(f.add(f.add(t0, t0), t0), t2)
	t4 = f.add(f.mul(c.b3, t4), f.mul(c.a, f.sub(t0, t2)))
	return point{
		x: f.sub(f.mul(t3, x), f.mul(t5, t4)),
		y: f.add(y, f.mul(t1, t4)),
		z: f.add(f.mul(t5, z), f.mul(t3, t1)),
	}
}

// table holds the multiples 0…15 of a point.
type table [16]point

func (c *Curve) multiples(p point) *table {
	t := &table{{y: c.p.one}, p}
	for i := 2; i < len(t); i++ {
		t[i] = c.add(t[i-1], p)
	}
	return t
}

// pick reads the whole table, so that the cache does not see the index.
func (t *table) pick(index byte) (r point) {
	for i := range t {
		c := equal(element{uint64(index)}, element{uint64(i)})
		r.x, r.y, r.z = choose(c, t[i].x, r.x), choose(c, t[i].y, r.y), choose(c, t[i].z, r.z)
	}
	return r
}

// multiply returns k times the point of the table; k is big-endian, of public length.
func (c *Curve) multiply(t *table, k []byte) point {
	r := point{y: c.p.one}
	for _, v := range k {
		for _, nibble := range [2]byte{v >> 4, v & 15} {
			for range 4 {
				r = c.add(r, r)
			}
			r = c.add(r, t.pick(nibble))
		}
	}
	return r
}

// powers returns the multiples of 16ⁱ times the base point for each nibble i of a scalar, the
// lowest first. They take some hundred kilobytes and are made at the first use of a curve.
func (c *Curve) powers() []table {
	tables := make([]table, 2*c.n.size)
	p := c.base
	for i := range tables {
		tables[i] = *c.multiples(p)
		p = c.add(tables[i][15], p)
	}
	return tables
}

// multiplyBase returns k times the base point; k is big-endian, of the scalars' length.
func (c *Curve) multiplyBase(k []byte) point {
	tables := c.baseTable()
	r := point{y: c.p.one}
	for i, v := range k {
		low := 2 * (len(k) - 1 - i)
		r = c.add(r, tables[low].pick(v&15))
		r = c.add(r, tables[low+1].pick(v>>4))
	}
	return r
}

// affine returns the coordinates, and false for infinity.
func (c *Curve) affine(p point) (x, y element, ok bool) {
	inv := c.p.invert(p.z)
	return c.p.mul(p.x, inv), c.p.mul(p.y, inv), isZero(p.z) == 0
}

var (
	errPointFormat  = errors.New("not an uncompressed point of the curve's length")
	errPointRange   = errors.New("a coordinate is not below the field's prime")
	errPointOff     = errors.New("the point is not on the curve")
	errScalarLength = errors.New("the scalar does not have the curve's length")
	errScalarRange  = errors.New("the scalar is not between 1 and the group's order")
)

// parse reads 04 ‖ x ‖ y and verifies the curve's equation.
func (c *Curve) parse(b []byte) (point, error) {
	size := c.Size()
	if len(b) != 1+2*size || b[0] != 4 {
		return point{}, errPointFormat
	}
	x, okX := c.p.fromBytes(b[1 : 1+size])
	y, okY := c.p.fromBytes(b[1+size:])
	if !okX || !okY {
		return point{}, errPointRange
	}
	f := c.p
	right := f.add(f.mul(f.add(f.mul(x, x), c.a), x), c.b)
	if equal(f.mul(y, y), right) == 0 {
		return point{}, errPointOff
	}
	return point{x, y, f.one}, nil
}
