package material

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/dh/x448"
)

// Keys of RFC 7748. Private keys are exported with the bits set and cleared that the
// function sets and clears anyway, as the original does.

var errLowOrder = errors.New("the point has low order, so that the secret would not depend on the private key")

var errMontgomeryLength = errors.New("the key does not have the curve's length")

// curve25519 is X25519.
type curve25519 struct{}

func clamp25519(d []byte) {
	d[0] &= 248
	d[31] = d[31]&127 | 64
}

func (curve25519) generate() ([]byte, error) {
	d := make([]byte, 32)
	if _, err := rand.Read(d); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	clamp25519(d)
	return d, nil
}

func (curve25519) private(data []byte) (keyMaterial, error) {
	if len(data) != 32 {
		return nil, errMontgomeryLength
	}
	d := [32]byte(data)
	defer clear(d[:])
	clamp25519(d[:])
	k, err := ecdh.X25519().NewPrivateKey(d[:])
	if err != nil {
		return nil, err
	}
	return &x25519Pair{x25519Public{k.PublicKey()}, k}, nil
}

func (curve25519) point(data []byte) (keyMaterial, error) {
	if len(data) != 32 {
		return nil, errMontgomeryLength
	}
	u := [32]byte(data)
	u[31] &= 127 // RFC 7748: the bit is ignored
	k, err := ecdh.X25519().NewPublicKey(u[:])
	if err != nil {
		return nil, err
	}
	probe, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if _, err := probe.ECDH(k); err != nil {
		return nil, errLowOrder
	}
	return &x25519Public{k}, nil
}

type x25519Public struct{ pub *ecdh.PublicKey }

type x25519Pair struct {
	x25519Public
	priv *ecdh.PrivateKey
}

func (k *x25519Public) public() []byte          { return k.pub.Bytes() }
func (k *x25519Public) export() ([]byte, error) { return k.pub.Bytes(), nil }
func (k *x25519Public) wipe()                   {}
func (k *x25519Pair) export() ([]byte, error)   { return k.priv.Bytes(), nil }
func (k *x25519Pair) wipe()                     { k.priv = nil } // the library gives no way to its copy

func (k *x25519Pair) agree(peer []byte) ([]byte, error) {
	pub, err := ecdh.X25519().NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	return k.priv.ECDH(pub) // refuses points of low order
}

// curve448 is X448.
type curve448 struct{}

func clamp448(d *x448.Key) {
	d[0] &= 252
	d[55] |= 128
}

func (curve448) generate() ([]byte, error) {
	var d x448.Key
	defer clear(d[:])
	if _, err := rand.Read(d[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	clamp448(&d)
	return append([]byte(nil), d[:]...), nil
}

func (curve448) private(data []byte) (keyMaterial, error) {
	if len(data) != x448.Size {
		return nil, errMontgomeryLength
	}
	k := &x448Pair{d: x448.Key(data)}
	clamp448(&k.d)
	x448.KeyGen(&k.u, &k.d)
	return k, nil
}

func (curve448) point(data []byte) (keyMaterial, error) {
	if len(data) != x448.Size {
		return nil, errMontgomeryLength
	}
	k := &x448Public{x448.Key(data)}
	probe := x448.Key{0, 0, 0, 0, 1}
	var secret x448.Key
	if !x448.Shared(&secret, &probe, &k.u) {
		return nil, errLowOrder
	}
	return k, nil
}

type x448Public struct{ u x448.Key }

type x448Pair struct {
	x448Public
	d x448.Key
}

func (k *x448Public) public() []byte          { return append([]byte(nil), k.u[:]...) }
func (k *x448Public) export() ([]byte, error) { return k.public(), nil }
func (k *x448Public) wipe()                   {}
func (k *x448Pair) export() ([]byte, error)   { return append([]byte(nil), k.d[:]...), nil }
func (k *x448Pair) wipe()                     { clear(k.d[:]) }

func (k *x448Pair) agree(peer []byte) ([]byte, error) {
	if len(peer) != x448.Size {
		return nil, errMontgomeryLength
	}
	pub := x448.Key(peer)
	var secret x448.Key
	defer clear(secret[:])
	if !x448.Shared(&secret, &k.d, &pub) {
		return nil, errLowOrder
	}
	return append([]byte(nil), secret[:]...), nil
}
