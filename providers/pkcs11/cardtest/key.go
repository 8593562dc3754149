package cardtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"math/big"
)

// Algorithm is the number of an algorithm (SP 800-78-4, table 6-2).
type Algorithm byte

// The algorithms of the card.
const (
	RSA1024 Algorithm = 0x06
	RSA2048 Algorithm = 0x07
	RSA3072 Algorithm = 0x05
	P256    Algorithm = 0x11
	P384    Algorithm = 0x14
)

func (a Algorithm) rsaBits() int {
	return map[Algorithm]int{RSA1024: 1024, RSA2048: 2048, RSA3072: 3072}[a]
}

func (a Algorithm) curve() elliptic.Curve {
	switch a {
	case P256:
		return elliptic.P256()
	case P384:
		return elliptic.P384()
	default:
		return nil
	}
}

// pinPolicy says when a key wants the PIN.
type pinPolicy int

const (
	pinOnce pinPolicy = iota
	pinAlways
	pinNever
)

// policy is what PIV prescribes for a slot.
func (s Slot) policy() pinPolicy {
	switch s {
	case Signature:
		return pinAlways
	case CardAuthentication, Attestation:
		return pinNever
	default:
		return pinOnce
	}
}

// key is a private key: either of the two is set.
type key struct {
	algorithm Algorithm
	pin       pinPolicy
	rsa       *rsa.PrivateKey
	ec        *ecdsa.PrivateKey
}

func newKey(a Algorithm, pin pinPolicy) (k *key, err error) {
	k = &key{algorithm: a, pin: pin}
	switch bits := a.rsaBits(); {
	case bits > 0:
		k.rsa, err = rsa.GenerateKey(rand.Reader, bits)
	case a.curve() != nil:
		k.ec, err = ecdsa.GenerateKey(a.curve(), rand.Reader)
	default:
		err = errors.New("unknown algorithm")
	}
	return k, err
}

// public is the template that GENERATE ASYMMETRIC KEY PAIR answers.
func (k *key) public() []byte {
	const template, modulus, exponent, point = 0x7f49, 0x81, 0x82, 0x86
	if k.rsa != nil {
		return wrap(template, item{modulus, k.rsa.N.Bytes()}, item{exponent, big.NewInt(int64(k.rsa.E)).Bytes()})
	}
	b, err := k.ec.PublicKey.Bytes()
	if err != nil {
		return nil // a key that was generated encodes
	}
	return wrap(template, item{point, b})
}

// power is the private operation of RSA on a padded block.
func (k *key) power(block []byte) ([]byte, status) {
	size := k.rsa.Size()
	n := new(big.Int).SetBytes(block)
	if len(block) != size || n.Cmp(k.rsa.N) >= 0 {
		return nil, swWrongData
	}
	return n.Exp(n, k.rsa.D, k.rsa.N).FillBytes(make([]byte, size)), swOK
}

// sign signs a hash with ECDSA, in the encoding of X9.62.
func (k *key) sign(hash []byte) ([]byte, status) {
	size := (k.ec.Curve.Params().BitSize + 7) / 8
	if len(hash) == 0 || len(hash) > size {
		return nil, swWrongData
	}
	sig, err := ecdsa.SignASN1(rand.Reader, k.ec, hash)
	if err != nil {
		return nil, swWrongData
	}
	return sig, swOK
}

// agree computes the shared secret with a point.
func (k *key) agree(point []byte) ([]byte, status) {
	public, err := ecdsa.ParseUncompressedPublicKey(k.ec.Curve, point)
	if err != nil {
		return nil, swWrongData
	}
	peer, err := public.ECDH()
	if err != nil {
		return nil, swWrongData
	}
	own, err := k.ec.ECDH()
	if err != nil {
		return nil, swWrongData
	}
	secret, err := own.ECDH(peer)
	if err != nil {
		return nil, swWrongData
	}
	return secret, swOK
}
