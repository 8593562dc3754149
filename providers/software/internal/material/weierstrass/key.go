package weierstrass

import (
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
)

// PublicKey is a point of a curve, never infinity.
type PublicKey struct {
	curve *Curve
	point point
}

// PrivateKey is a scalar with its point.
type PrivateKey struct {
	_      [0]func()
	public PublicKey
	d      []byte // big-endian, n.size bytes, between 1 and n-1
}

// NewPublicKey parses an uncompressed point: 04 ‖ x ‖ y.
func (c *Curve) NewPublicKey(b []byte) (*PublicKey, error) {
	p, err := c.parse(b)
	if err != nil {
		return nil, err
	}
	return &PublicKey{c, p}, nil
}

// NewPrivateKey takes a big-endian scalar of Size bytes and keeps a copy.
func (c *Curve) NewPrivateKey(d []byte) (*PrivateKey, error) {
	if len(d) != c.n.size {
		return nil, errScalarLength
	}
	if e, below := c.n.fromBytes(d); !below || isZero(e) == 1 {
		return nil, errScalarRange
	}
	x, y, _ := c.affine(c.multiplyBase(d)) // d is not a multiple of the order
	return &PrivateKey{public: PublicKey{c, point{x, y, c.p.one}}, d: append([]byte(nil), d...)}, nil
}

// GenerateKey makes a key from the system's randomness.
func (c *Curve) GenerateKey() (*PrivateKey, error) {
	d := make([]byte, c.n.size)
	defer clear(d)
	for { // every order is above half of its power of 256: two turns on average at most
		if _, err := rand.Read(d); err != nil {
			return nil, fmt.Errorf("read randomness: %w", err)
		}
		k, err := c.NewPrivateKey(d)
		if !errors.Is(err, errScalarRange) {
			return k, err
		}
	}
}

// Bytes returns the uncompressed point: 04 ‖ x ‖ y.
func (k *PublicKey) Bytes() []byte {
	b := append([]byte{4}, k.curve.p.bytes(k.point.x)...)
	return append(b, k.curve.p.bytes(k.point.y)...)
}

// Public returns the public half.
func (k *PrivateKey) Public() *PublicKey { return &k.public }

// Bytes returns a copy of the scalar, big-endian.
func (k *PrivateKey) Bytes() []byte { return append([]byte(nil), k.d...) }

// Wipe clears the scalar. The key must not be used afterwards.
func (k *PrivateKey) Wipe() {
	clear(k.d)
	runtime.KeepAlive(k)
}

// Format prints only the kind of key, whatever the verb.
func (k *PrivateKey) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "weierstrass.PrivateKey(%s)", k.public.curve)
}

// ECDH returns the x coordinate of the shared point, Size bytes big-endian. The keys must
// be of one curve.
func (k *PrivateKey) ECDH(peer *PublicKey) ([]byte, error) {
	c := k.public.curve
	if peer.curve != c {
		return nil, fmt.Errorf("the peer's key is on %s, not on %s", peer.curve, c)
	}
	x, _, _ := c.affine(c.multiply(c.multiples(peer.point), k.d))
	return c.p.bytes(x), nil
}

// Curve returns the curve that the point is on.
func (k *PublicKey) Curve() *Curve { return k.curve }
