package strict

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"math/big"
	"slices"
	"testing"
)

var (
	p = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d = func() *big.Int {
		inv := new(big.Int).ModInverse(big.NewInt(121666), p)
		return inv.Mod(inv.Mul(inv, big.NewInt(-121665)), p)
	}()
)

// affine decodes a point, or gives nil.
func affine(encoding [32]byte) (x, y *big.Int) {
	sign := encoding[31] >> 7
	encoding[31] &= 0x7f
	slices.Reverse(encoding[:])
	y = new(big.Int).SetBytes(encoding[:])
	y2 := new(big.Int).Mul(y, y)
	num := new(big.Int).Sub(y2, big.NewInt(1))
	den := new(big.Int).Add(new(big.Int).Mul(d, y2), big.NewInt(1))
	x = new(big.Int).ModSqrt(num.Mod(num.Mul(num, den.ModInverse(den.Mod(den, p), p)), p), p)
	if x != nil && byte(x.Bit(0)) != sign {
		x.Sub(p, x)
	}
	return x, y
}

func double(x, y *big.Int) (_, _ *big.Int) {
	mul := func(a, b *big.Int) *big.Int { m := new(big.Int).Mul(a, b); return m.Mod(m, p) }
	dxy := mul(d, mul(mul(x, x), mul(y, y)))
	one := big.NewInt(1)
	nx := mul(mul(big.NewInt(2), mul(x, y)), new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Add(one, dxy), p), p))
	ny := mul(new(big.Int).Add(mul(y, y), mul(x, x)), new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Sub(one, dxy), p), p))
	return nx, ny
}

// TestSmallOrderTable computes on the curve that the table has exactly the points of which eight times is the identity.
func TestSmallOrderTable(t *testing.T) {
	seen := map[[32]byte]bool{}
	for _, encoding := range smallOrder {
		x, y := affine(encoding)
		if x == nil {
			t.Fatalf("%x is no point", encoding)
		}
		for range 3 {
			x, y = double(x, y)
		}
		if new(big.Int).Mod(x, p).Sign() != 0 || y.Cmp(big.NewInt(1)) != 0 {
			t.Errorf("%x is not of small order", encoding)
		}
		seen[encoding] = true
	}
	if len(seen) != 8 {
		t.Errorf("%d different points", len(seen))
	}
}

func TestVerify(t *testing.T) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("message")
	signature := ed25519.Sign(priv, message)
	key := [32]byte(pub)
	if !Verify(&key, message, signature) {
		t.Fatal("a good signature is refused")
	}
	for i := range signature {
		bad := slices.Clone(signature)
		bad[i] ^= 1
		if Verify(&key, message, bad) {
			t.Errorf("a signature with another byte %d is accepted", i)
		}
	}
	if Verify(&key, message, signature[:63]) || Verify(&key, []byte("messages"), signature) {
		t.Error("a short signature or another message is accepted")
	}
}

// TestWhatTheLibraryAccepts shows that each refusal of ours is needed.
func TestWhatTheLibraryAccepts(t *testing.T) {
	identity := [32]byte{1}
	forged := make([]byte, 64)
	forged[0] = 1 // R is the identity, S is zero
	if !ed25519.Verify(identity[:], []byte("anything"), forged) {
		t.Error("the library refuses the identity key now: is the check still needed?")
	}
	if Verify(&identity, []byte("anything"), forged) {
		t.Error("the identity key is accepted")
	}
	for i, key := range smallOrder {
		if KeyOK(&key) {
			t.Errorf("key %d of small order is accepted", i)
		}
	}
	for name, y := range map[string]*big.Int{
		"p":      p,
		"p + 1":  new(big.Int).Add(p, big.NewInt(1)),
		"p + 3":  new(big.Int).Add(p, big.NewInt(3)),
		"p + 18": new(big.Int).Add(p, big.NewInt(18)),
	} {
		key := [32]byte{}
		y.FillBytes(key[:])
		slices.Reverse(key[:])
		if KeyOK(&key) {
			t.Errorf("%s is accepted as canonical", name)
		}
	}
	below := [32]byte{}
	new(big.Int).Sub(p, big.NewInt(2)).FillBytes(below[:])
	slices.Reverse(below[:])
	if !KeyOK(&below) {
		t.Error("p - 2 is refused as not canonical")
	}
	negativeZero := [32]byte{0: 1, 31: 0x80}
	if KeyOK(&negativeZero) {
		t.Error("x = 0 with the sign one is accepted")
	}
}

// TestSmallOrderR: with R the identity, who has the key can make a signature that the library accepts.
func TestSmallOrderR(t *testing.T) {
	key, message, signature := identityR(t)
	if !ed25519.Verify(key[:], message, signature) {
		t.Error("the library refuses it now: is the check still needed?")
	}
	if Verify(&key, message, signature) {
		t.Error("R of small order is accepted")
	}
}

// identityR makes a signature with R = identity and S = k·a.
func identityR(t *testing.T) (key [32]byte, message, signature []byte) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	order, ok := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	if !ok {
		t.Fatal("the order is no number")
	}
	expanded := sha512.Sum512(priv.Seed())
	expanded[0] &= 248
	expanded[31] = expanded[31]&127 | 64
	message = []byte("message")
	k := sha512.Sum512(slices.Concat(smallOrder[0][:], pub, message))
	s := new(big.Int).Mul(littleEndian(k[:]), littleEndian(expanded[:32]))
	scalar := s.Mod(s, order).FillBytes(make([]byte, 32))
	slices.Reverse(scalar)
	return [32]byte(pub), message, append(slices.Clone(smallOrder[0][:]), scalar...)
}

func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}
