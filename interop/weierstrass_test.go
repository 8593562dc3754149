package interop

import "math/big"

// weierstrass is a short Weierstrass curve over a prime field, for checking results on
// curves that the standard library lacks. It is slow and leaks everything: for tests.
type weierstrass struct {
	p, a, b, n, gx, gy *big.Int
}

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic("not a number: " + hex)
	}
	return n
}

// secp256k1 (SEC 2, 2.4.1) and brainpoolP256r1 (RFC 5639, 3.4).
var (
	secp256k1 = weierstrass{
		p: number("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"), a: number("0"), b: number("7"),
		n:  number("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		gx: number("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
		gy: number("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
	}
	brainpoolP256r1 = weierstrass{
		p:  number("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"),
		a:  number("7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"),
		b:  number("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
		n:  number("a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
		gx: number("8bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262"),
		gy: number("547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997"),
	}
)

// point is an affine point; nil is the point at infinity.
type point struct{ x, y *big.Int }

func (c weierstrass) generator() *point { return &point{c.gx, c.gy} }

func (c weierstrass) add(p, q *point) *point {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	mod := func(v *big.Int) *big.Int { return v.Mod(v, c.p) }
	var slope *big.Int
	if p.x.Cmp(q.x) == 0 {
		if mod(new(big.Int).Add(p.y, q.y)).Sign() == 0 {
			return nil
		}
		top := new(big.Int).Mul(p.x, p.x)
		top.Mul(top, big.NewInt(3)).Add(top, c.a)
		slope = top.Mul(top, new(big.Int).ModInverse(mod(new(big.Int).Lsh(p.y, 1)), c.p))
	} else {
		bottom := mod(new(big.Int).Sub(q.x, p.x))
		slope = new(big.Int).Mul(new(big.Int).Sub(q.y, p.y), bottom.ModInverse(bottom, c.p))
	}
	x := new(big.Int).Mul(slope, slope)
	mod(x.Sub(x, p.x).Sub(x, q.x))
	y := new(big.Int).Sub(p.x, x)
	return &point{x, mod(y.Mul(y, slope).Sub(y, p.y))}
}

func (c weierstrass) multiply(p *point, k *big.Int) *point {
	var out *point
	for i := k.BitLen() - 1; i >= 0; i-- {
		out = c.add(out, out)
		if k.Bit(i) == 1 {
			out = c.add(out, p)
		}
	}
	return out
}

// public returns the uncompressed public key of a private one.
func (c weierstrass) public(private []byte) []byte {
	q := c.multiply(c.generator(), new(big.Int).SetBytes(private))
	size := (c.p.BitLen() + 7) / 8
	out := append([]byte{4}, q.x.FillBytes(make([]byte, size))...)
	return append(out, q.y.FillBytes(make([]byte, size))...)
}

// verify checks a signature r ‖ s of a hash that is as long as the curve.
func (c weierstrass) verify(public, hash, sig []byte) bool {
	size := len(sig) / 2
	r, s := new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
	if r.Sign() == 0 || s.Sign() == 0 || r.Cmp(c.n) >= 0 || s.Cmp(c.n) >= 0 {
		return false
	}
	q := &point{new(big.Int).SetBytes(public[1 : 1+size]), new(big.Int).SetBytes(public[1+size:])}
	w := new(big.Int).ModInverse(s, c.n)
	u1 := new(big.Int).Mul(new(big.Int).SetBytes(hash), w)
	u2 := new(big.Int).Mul(r, w)
	sum := c.add(c.multiply(c.generator(), u1.Mod(u1, c.n)), c.multiply(q, u2.Mod(u2, c.n)))
	return sum != nil && new(big.Int).Mod(sum.x, c.n).Cmp(r) == 0
}
