package weierstrass

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"math/big"
	"strings"
	"testing"
)

var all = []func() *Curve{Secp192k1, Secp192r1, Secp224r1, Secp256k1, BrainpoolP256r1, BrainpoolP384r1, BrainpoolP512r1}

func each(t *testing.T, f func(t *testing.T, c *Curve)) {
	t.Helper()
	for _, c := range all {
		t.Run(c().String(), func(t *testing.T) { t.Parallel(); f(t, c()) })
	}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func number(f *field, e element) *big.Int { return new(big.Int).SetBytes(f.bytes(e)) }

// modulus undoes what newField did to it.
func modulus(f *field) *big.Int {
	m := new(big.Int)
	for i := f.n - 1; i >= 0; i-- {
		m.Or(m.Lsh(m, 64), new(big.Int).SetUint64(f.m[i]))
	}
	return m
}

// The constants describe a curve of prime order over a prime field with a base point on it.
func TestConstants(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		for _, f := range []*field{c.p, c.n} {
			if !modulus(f).ProbablyPrime(20) {
				t.Errorf("%x is not prime", modulus(f))
			}
		}
		base := append(append([]byte{4}, c.p.bytes(c.base.x)...), c.p.bytes(c.base.y)...)
		if _, err := c.parse(base); err != nil {
			t.Errorf("base point: %v", err)
		}
		order := modulus(c.n).FillBytes(make([]byte, c.n.size))
		for _, p := range []point{c.multiplyBase(order), c.multiply(c.multiples(c.base), order)} {
			if isZero(p.z) != 1 {
				t.Error("the base point does not have the order")
			}
		}
		hasse := new(big.Int).Sub(modulus(c.p), modulus(c.n)) // the cofactor is 1
		if limit := new(big.Int).Sqrt(modulus(c.p)); hasse.Abs(hasse).Cmp(limit.Lsh(limit, 1).Add(limit, big.NewInt(1))) > 0 {
			t.Error("the order is not that of the whole curve")
		}
		if 8*c.n.size != modulus(c.n).BitLen() || c.n.size != c.p.size {
			t.Error("the order does not fill its bytes, which scalar() relies on")
		}
	})
}

// reference is the textbook's affine addition with big.Int; nil is infinity.
type reference struct{ p, a *big.Int }

type affinePoint struct{ x, y *big.Int }

func (r reference) add(p, q *affinePoint) *affinePoint {
	if p == nil {
		return q
	}
	if q == nil {
		return p
	}
	mod := func(x *big.Int) *big.Int { return x.Mod(x, r.p) }
	var slope *big.Int
	switch {
	case p.x.Cmp(q.x) != 0:
		slope = new(big.Int).Sub(q.y, p.y)
		slope.Mul(slope, new(big.Int).ModInverse(mod(new(big.Int).Sub(q.x, p.x)), r.p))
	case p.y.Cmp(q.y) != 0 || p.y.Sign() == 0:
		return nil
	default:
		slope = new(big.Int).Mul(p.x, p.x)
		slope.Add(slope.Mul(slope, big.NewInt(3)), r.a)
		slope.Mul(slope, new(big.Int).ModInverse(new(big.Int).Lsh(p.y, 1), r.p))
	}
	mod(slope)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x)
	mod(x)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y)
	return &affinePoint{x, mod(y)}
}

func (c *Curve) toReference(p point) *affinePoint {
	x, y, ok := c.affine(p)
	if !ok {
		return nil
	}
	return &affinePoint{number(c.p, x), number(c.p, y)}
}

func (p *affinePoint) String() string {
	if p == nil {
		return "infinity"
	}
	return fmt.Sprintf("(%x, %x)", p.x, p.y)
}

// One formula is right for all pairs: different, equal, opposite, with infinity, and
// whatever the representation.
func TestAddIsComplete(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		ref := reference{modulus(c.p), number(c.p, c.a)}
		infinity := point{y: c.p.one}
		points := []point{infinity, c.base}
		for len(points) < 8 {
			points = append(points, c.add(points[len(points)-1], c.base))
		}
		for _, p := range points[:4] {
			points = append(points, point{p.x, c.p.sub(element{}, p.y), p.z})
		}
		two := c.p.add(c.p.one, c.p.one)
		points = append(points, point{c.p.mul(c.base.x, two), c.p.mul(c.base.y, two), two}, point{y: two})
		for i, p := range points {
			for j, q := range points {
				got, want := c.toReference(c.add(p, q)), ref.add(c.toReference(p), c.toReference(q))
				if got.String() != want.String() {
					t.Errorf("%d + %d: %s, want %s", i, j, got, want)
				}
			}
		}
	})
}

// Both multiplications agree with repeated addition of the reference.
func TestMultiply(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		ref := reference{modulus(c.p), number(c.p, c.a)}
		order := modulus(c.n)
		scalars := []*big.Int{
			new(big.Int), big.NewInt(1), big.NewInt(2), big.NewInt(15), big.NewInt(16), big.NewInt(255),
			new(big.Int).Sub(order, big.NewInt(1)), new(big.Int).Rsh(order, 1),
		}
		for range 4 {
			k, err := rand.Int(rand.Reader, order)
			if err != nil {
				t.Fatal(err)
			}
			scalars = append(scalars, k)
		}
		for _, k := range scalars {
			var want *affinePoint
			for i := k.BitLen() - 1; i >= 0; i-- {
				want = ref.add(want, want)
				if k.Bit(i) == 1 {
					want = ref.add(want, c.toReference(c.base))
				}
			}
			b := k.FillBytes(make([]byte, c.n.size))
			for _, p := range []point{c.multiplyBase(b), c.multiply(c.multiples(c.base), b)} {
				if got := c.toReference(p); got.String() != want.String() {
					t.Errorf("%x·G is %s, want %s", k, got, want)
				}
			}
		}
	})
}

func TestP224AgainstLibrary(t *testing.T) {
	p := elliptic.P224().Params()
	c := Secp224r1()
	for what, pair := range map[string][2]*big.Int{
		"p": {p.P, modulus(c.p)}, "n": {p.N, modulus(c.n)}, "b": {p.B, number(c.p, c.b)},
		"x": {p.Gx, number(c.p, c.base.x)}, "y": {p.Gy, number(c.p, c.base.y)},
	} {
		if pair[0].Cmp(pair[1]) != 0 {
			t.Errorf("%s is %x, want %x", what, pair[1], pair[0])
		}
	}
}

// Keys and deterministic signatures: RFC 6979 A.2.3, and OpenSSL 3.5 of "sample".
func TestKnownAnswers(t *testing.T) {
	for _, v := range []struct {
		curve           func() *Curve
		hash            func() hash.Hash
		d, x, signature string
	}{
		{
			Secp192r1, sha1.New, "6fab034934e4c0fc9ae67f5b5659a9d7d1fefd187ee09fd4", "ac2c77f529f91689fea0ea5efec7f210d8eea0b9e047ed56",
			"98c6bd12b23eaf5e2a2045132086be3eb8ebd62abf6698ff57a22b07dea9530f8de9471b1dc6624472e8e2844bc25b64",
		},
		{
			Secp192r1, sha256.New, "6fab034934e4c0fc9ae67f5b5659a9d7d1fefd187ee09fd4", "ac2c77f529f91689fea0ea5efec7f210d8eea0b9e047ed56",
			"4b0b8ce98a92866a2820e20aa6b75b56382e0f9bfd5ecb55ccdb006926ea9565cbadc840829d8c384e06de1f1e381b85",
		},
		{
			Secp192r1, sha256.New, "0102030405060708090a0b0c0d0e0f101112131415161718", "9c35bcc7634b6d6c76b11a898e83eac59b888b1a1371fed0",
			"3834a7845121db705be74833173c8b5c130c762e6db159b93f54fc2b305a3d97d0fc95dd01eae93afadf17ca64e980c7",
		},
		{
			Secp256k1, sha256.New, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
			"84bf7562262bbd6940085748f3be6afa52ae317155181ece31b66351ccffa4b0",
			"447ffb205b7a06cc7c88f83c4fbd0ec3677cd56c9a3312ebfb6e71e87c7a3e6e9d261697f892f58f14ddfaabe9cbf9d43d431e1a3fdaeaca96aa1ef7ed291578",
		},
		{
			Secp256k1, sha512.New, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
			"84bf7562262bbd6940085748f3be6afa52ae317155181ece31b66351ccffa4b0",
			"3e83a305725cdf4527042e63ba851ff39bc7ed6dccfd45e5f829bfad3bd7bd7334c07c473a1b70e5d171515d3270a4e1566f92abbe17ad8d9123b30288d73824",
		},
		{
			BrainpoolP256r1, sha256.New, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
			"4e366cf3c8a982e423831d6715e722acf03cab8452e3c64d1e3b038caf87fc48",
			"9c57d31fa04e9b2e264e1529d86d327eafd74848aaec92157ebef4aecf1c00dd440bf6d6b850b65603ad23ffde6d8d61ba97011f9c0c2c38781c08e8834693fb",
		},
		{
			BrainpoolP384r1, sha512.New384, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30",
			"78083585d7bc642b9899c0547604dac754db56d69ba822c40d79ba4a33e61d6486869b012305179fd4b2cac97e66cffa",
			"5d9d9d88eddd969a39d1d2434925ee1c3df04d970898b20b4d7b4abfcdc03df340c3ea2cef887335c7309288bf8cc3b4" +
				"33f82ea8127e3e8d1c8c48396011f2deacedd4b14971aa67424bbdc765dcff33fb9185bb6ca094a8ee4d2f41497c4309",
		},
		{
			BrainpoolP384r1, sha256.New224, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30",
			"78083585d7bc642b9899c0547604dac754db56d69ba822c40d79ba4a33e61d6486869b012305179fd4b2cac97e66cffa",
			"842054413420b622cc9c6cc0c8522d1b573255176a311d1fbe416942ecaedef9267312dad4f0df06c86b5721a626bc40" +
				"2ec206022ce5dabe72392288df621157f83fad343778d090689cd271c620f795bb63c90df8a5dff21331a350f48bc651",
		},
		{
			BrainpoolP512r1, sha512.New,
			"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40",
			"1e1195c011872592277227075a078e9f8d562c5e3facf5c4c0f07f884c8552cfe99dba89fcc30bcfb82645176c34e5a1604db7de6e4c8daed9aaefe137e2a7e9",
			"497ad4514a283c0dbd8be87b6a6b3a0b03da792d59a6d82807174b4184585c151963a572a84a222785ae98c8ad57a22f1b9a41747f9b8832786300832c19b945" +
				"93d906d3723694c79c4117be90cfc667b1a5c3723543c5ffb910519b6ec5ad9b82bd4c9ee89028c67af97826fd5cc32461deae666fe95cd88e62d5ac06cb5a13",
		},
	} {
		k, err := v.curve().NewPrivateKey(unhex(t, v.d))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(k.Public().Bytes()[1 : 1+v.curve().Size()]); got != v.x {
			t.Errorf("%s: x is %s, want %s", v.curve(), got, v.x)
		}
		h := v.hash()
		h.Write([]byte("sample"))
		digest := h.Sum(nil)
		sig := k.SignDeterministic(v.hash, digest)
		if got := hex.EncodeToString(sig); got != v.signature {
			t.Errorf("%s: signature %s, want %s", v.curve(), got, v.signature)
		}
		if !k.Public().Verify(digest, sig) {
			t.Errorf("%s: the signature is refused", v.curve())
		}
	}
}

func TestSignVerify(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		k, err := c.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 20, c.Size() - 1, c.Size(), c.Size() + 1, 100} {
			digest := bytes.Repeat([]byte{0xff}, n)
			sig, err := k.Sign(digest)
			if err != nil {
				t.Fatal(err)
			}
			if len(sig) != 2*c.Size() || !k.Public().Verify(digest, sig) {
				t.Errorf("a digest of %d bytes: %x refused", n, sig)
			}
			again, err := k.Sign(digest)
			if err != nil || bytes.Equal(sig, again) {
				t.Errorf("the same signature twice, %v", err)
			}
		}
		sig, err := k.Sign([]byte("digest"))
		if err != nil {
			t.Fatal(err)
		}
		order, size := modulus(c.n).FillBytes(make([]byte, c.Size())), c.Size()
		zero := make([]byte, size)
		for name, bad := range map[string][]byte{
			"empty": nil, "short": sig[1:], "long": append([]byte{0}, sig...), "r zero": append(bytes.Clone(zero), sig[size:]...),
			"s zero": append(bytes.Clone(sig[:size]), zero...), "r is the order": append(bytes.Clone(order), sig[size:]...),
			"s is the order": append(bytes.Clone(sig[:size]), order...), "swapped": append(bytes.Clone(sig[size:]), sig[:size]...),
		} {
			if k.Public().Verify([]byte("digest"), bad) {
				t.Errorf("%s: accepted", name)
			}
		}
	})
}

func TestPrivateKeyRange(t *testing.T) {
	each(t, func(t *testing.T, c *Curve) {
		order := modulus(c.n)
		for n, ok := range map[*big.Int]bool{
			new(big.Int): false, big.NewInt(1): true, new(big.Int).Sub(order, big.NewInt(1)): true, order: false,
			new(big.Int).Add(order, big.NewInt(1)): false, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(8*c.Size())), big.NewInt(1)): false,
		} {
			k, err := c.NewPrivateKey(n.FillBytes(make([]byte, c.Size())))
			if (err == nil) != ok {
				t.Errorf("%x: %v", n, err)
			}
			if err != nil {
				continue
			}
			if text := fmt.Sprintf("%v %+v %#v %x", k, k, k, k); !strings.HasPrefix(text, "weierstrass.PrivateKey(") || strings.Contains(text, "ffffffff") {
				t.Errorf("printed: %s", text)
			}
			k.Wipe()
			if !bytes.Equal(k.Bytes(), make([]byte, c.Size())) {
				t.Error("not wiped")
			}
		}
		if _, err := c.NewPrivateKey(make([]byte, c.Size()+1)); err == nil {
			t.Error("a long scalar is accepted")
		}
	})
}

func TestECDHAcrossCurves(t *testing.T) {
	a, err := Secp256k1().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	b, err := BrainpoolP256r1().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ECDH(b.Public()); err == nil {
		t.Error("a peer on another curve is accepted")
	}
}

// FuzzField compares the arithmetic with math/big.
func FuzzField(f *testing.F) {
	f.Add([]byte{}, []byte{1})
	f.Add(bytes.Repeat([]byte{0xff}, 64), bytes.Repeat([]byte{0xff}, 64))
	f.Add(unhex(f, "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2e"), []byte{2})
	f.Fuzz(func(t *testing.T, x, y []byte) {
		for _, c := range all {
			for _, fd := range []*field{c().p, c().n} {
				m := modulus(fd)
				a, b := new(big.Int).SetBytes(x), new(big.Int).SetBytes(y)
				a.Mod(a, m)
				b.Mod(b, m)
				ea, okA := fd.fromBytes(a.FillBytes(make([]byte, fd.size)))
				eb, okB := fd.fromBytes(b.FillBytes(make([]byte, fd.size)))
				if !okA || !okB {
					t.Fatalf("%x or %x is said not to be reduced", a, b)
				}
				inverse := new(big.Int)
				if a.Sign() != 0 {
					inverse.ModInverse(a, m)
				}
				for what, pair := range map[string][2]*big.Int{
					"a":       {number(fd, ea), a},
					"sum":     {number(fd, fd.add(ea, eb)), new(big.Int).Mod(new(big.Int).Add(a, b), m)},
					"diff":    {number(fd, fd.sub(ea, eb)), new(big.Int).Mod(new(big.Int).Sub(a, b), m)},
					"product": {number(fd, fd.mul(ea, eb)), new(big.Int).Mod(new(big.Int).Mul(a, b), m)},
					"inverse": {number(fd, fd.invert(ea)), inverse},
				} {
					if pair[0].Cmp(pair[1]) != 0 {
						t.Errorf("%s, %s of %x and %x: %x, want %x", c(), what, a, b, pair[0], pair[1])
					}
				}
				if (equal(ea, eb) == 1) != (a.Cmp(b) == 0) || (isZero(ea) == 1) != (a.Sign() == 0) {
					t.Errorf("%s: comparison of %x and %x", c(), a, b)
				}
				over := new(big.Int).Add(a, m) // what is not below the modulus is refused, or reduced once
				if over.BitLen() <= 8*fd.size {
					raw := over.FillBytes(make([]byte, fd.size))
					if _, ok := fd.fromBytes(raw); ok || number(fd, fd.reduced(raw)).Cmp(a) != 0 {
						t.Errorf("%s: %x is not seen as above the modulus", c(), over)
					}
				}
			}
		}
	})
}

// FuzzPoint: what parses is on the curve and comes back the same.
func FuzzPoint(f *testing.F) {
	for _, c := range all {
		k, err := c().NewPrivateKey(append(make([]byte, c().Size()-1), 7))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(k.Public().Bytes())
	}
	f.Add([]byte{4})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range all {
			k, err := c().NewPublicKey(b)
			if err != nil {
				continue
			}
			if !bytes.Equal(k.Bytes(), b) {
				t.Errorf("%x came back as %x", b, k.Bytes())
			}
			p := c().toReference(k.point)
			m := modulus(c().p)
			left := new(big.Int).Mul(p.y, p.y)
			right := new(big.Int).Mul(p.x, p.x)
			right.Add(right, number(c().p, c().a)).Mul(right, p.x).Add(right, number(c().p, c().b))
			if left.Sub(left, right).Mod(left, m).Sign() != 0 {
				t.Errorf("%s: %x is not on the curve", c(), b)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	for _, c := range all {
		b.Run(c().String(), func(b *testing.B) {
			k, err := c().GenerateKey()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Sign(make([]byte, 32)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	k, err := Secp256k1().GenerateKey()
	if err != nil {
		b.Fatal(err)
	}
	sig, err := k.Sign(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !k.Public().Verify(make([]byte, 32), sig) {
			b.Fatal("refused")
		}
	}
}
