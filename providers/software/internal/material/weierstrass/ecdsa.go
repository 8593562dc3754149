package weierstrass

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"hash"
)

// entropySize is the randomness mixed into the nonce of a randomised signature, in bytes.
const entropySize = 32

// Sign returns the ECDSA signature r ‖ s, each Size bytes big-endian, of a digest of any
// length; of a digest longer than the group's order, the leftmost bits count. The nonce is
// derived from key, digest and fresh randomness, so that a failing random source or a
// fault in it does not reveal the key.
func (k *PrivateKey) Sign(digest []byte) ([]byte, error) {
	var entropy [entropySize]byte
	if _, err := rand.Read(entropy[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return k.sign(digest, k.nonces(sha512.New, digest, entropy[:])), nil
}

// SignDeterministic returns the signature of RFC 6979: the same for the same digest. h is
// the hash that made the digest.
func (k *PrivateKey) SignDeterministic(h func() hash.Hash, digest []byte) []byte {
	return k.sign(digest, k.nonces(h, digest, nil))
}

func (k *PrivateKey) sign(digest []byte, next func() []byte) []byte {
	c, n := k.public.curve, k.public.curve.n
	z := c.scalar(digest)
	d, _ := n.fromBytes(k.d)
	for {
		raw := next()
		nonce, below := n.fromBytes(raw)
		if !below || isZero(nonce) == 1 {
			continue
		}
		x, _, _ := c.affine(c.multiplyBase(raw))
		clear(raw)
		r := n.reduced(c.p.bytes(x))
		s := n.mul(n.invert(nonce), n.add(z, n.mul(r, d)))
		if isZero(r) == 0 && isZero(s) == 0 {
			return append(n.bytes(r), n.bytes(s)...)
		}
	}
}

// Verify reports whether sig is the signature r ‖ s of the digest.
func (k *PublicKey) Verify(digest, sig []byte) bool {
	c, n := k.curve, k.curve.n
	if len(sig) != 2*n.size {
		return false
	}
	r, okR := n.fromBytes(sig[:n.size])
	s, okS := n.fromBytes(sig[n.size:])
	if !okR || !okS || isZero(r) == 1 || isZero(s) == 1 {
		return false
	}
	w := n.invert(s)
	u1, u2 := n.mul(c.scalar(digest), w), n.mul(r, w)
	sum := c.add(c.multiplyBase(n.bytes(u1)), c.multiply(c.multiples(k.point), n.bytes(u2)))
	x, _, finite := c.affine(sum)
	return finite && equal(n.reduced(c.p.bytes(x)), r) == 1
}

// scalar is the leftmost bits of a digest as a scalar. The orders of all curves here fill
// their bytes, so that no shift is needed and one subtraction reduces.
func (c *Curve) scalar(digest []byte) element {
	if len(digest) > c.n.size {
		digest = digest[:c.n.size]
	}
	return c.n.reduced(digest)
}

// nonces returns the generator of RFC 6979 section 3.2; extra is the additional data of
// its section 3.6.
func (k *PrivateKey) nonces(h func() hash.Hash, digest, extra []byte) func() []byte {
	n := k.public.curve.n
	size := h().Size()
	key, v := make([]byte, size), make([]byte, size)
	for i := range v {
		v[i] = 1
	}
	mac := func(parts ...[]byte) []byte {
		m := hmac.New(h, key)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	z := n.bytes(k.public.curve.scalar(digest))
	for _, step := range []byte{0, 1} {
		key = mac(v, []byte{step}, k.d, z, extra)
		v = mac(v)
	}
	first := true
	return func() []byte {
		if !first {
			key = mac(v, []byte{0})
			v = mac(v)
		}
		first = false
		var t []byte
		for len(t) < n.size {
			v = mac(v)
			t = append(t, v...)
		}
		return t[:n.size]
	}
}
