package material

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/weierstrass"
)

// nist is a curve of the standard library, which is constant time and as fast as Go can be.
type nist struct {
	curve elliptic.Curve
	// agreement prepares Diffie-Hellman for a private key.
	agreement func(*ecdsa.PrivateKey) (func(peer []byte) ([]byte, error), error)
}

var (
	nist224 = nist{elliptic.P224(), agreement224}
	nist256 = nist{elliptic.P256(), agreementStd}
	nist384 = nist{elliptic.P384(), agreementStd}
	nist521 = nist{elliptic.P521(), agreementStd}
)

func agreementStd(k *ecdsa.PrivateKey) (func([]byte) ([]byte, error), error) {
	priv, err := k.ECDH()
	if err != nil {
		return nil, err
	}
	return func(peer []byte) ([]byte, error) {
		pub, err := priv.Curve().NewPublicKey(peer)
		if err != nil {
			return nil, err
		}
		return priv.ECDH(pub)
	}, nil
}

// agreement224 stands in for crypto/ecdh, which has no P-224. It keeps no copy of the key.
func agreement224(k *ecdsa.PrivateKey) (func([]byte) ([]byte, error), error) {
	return func(peer []byte) ([]byte, error) {
		d, err := scalar(k)
		if err != nil {
			return nil, err
		}
		defer clear(d)
		priv, err := weierstrass.Secp224r1().NewPrivateKey(d)
		if err != nil {
			return nil, err
		}
		defer priv.Wipe()
		return shortAgreement(priv, peer)
	}, nil
}

func (g nist) generate() ([]byte, error) {
	k, err := ecdsa.GenerateKey(g.curve, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key on %s: %w", g.curve.Params().Name, err)
	}
	return scalar(k)
}

// scalar returns a copy of the private scalar. What crypto/ecdsa returns may be the bytes that it signs with, and callers wipe
// theirs.
func scalar(k *ecdsa.PrivateKey) ([]byte, error) {
	d, err := k.Bytes()
	return slices.Clone(d), err
}

func (g nist) private(data []byte) (keyMaterial, error) {
	k, err := ecdsa.ParseRawPrivateKey(g.curve, data)
	if err != nil {
		return nil, err
	}
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	pair := &nistPair{nistPublic{&k.PublicKey, point}, k, nil}
	pair.agreement = sync.OnceValues(func() (func([]byte) ([]byte, error), error) { return g.agreement(k) })
	return pair, nil
}

func (g nist) point(data []byte) (keyMaterial, error) {
	k, err := ecdsa.ParseUncompressedPublicKey(g.curve, data)
	if err != nil {
		return nil, err
	}
	return &nistPublic{k, slices.Clone(data)}, nil
}

type nistPublic struct {
	pub   *ecdsa.PublicKey
	bytes []byte // the uncompressed point
}

type nistPair struct {
	nistPublic
	priv      *ecdsa.PrivateKey
	agreement func() (func(peer []byte) ([]byte, error), error)
}

func (k *nistPublic) public() []byte          { return slices.Clone(k.bytes) }
func (k *nistPublic) export() ([]byte, error) { return k.public(), nil }
func (k *nistPublic) wipe()                   {}
func (k *nistPair) export() ([]byte, error)   { return scalar(k.priv) }
func (k *nistPair) wipe()                     { clear(k.priv.D.Bits()) } //nolint:staticcheck // the last use of the key

func (k *nistPair) agree(peer []byte) ([]byte, error) {
	agree, err := k.agreement()
	if err != nil {
		return nil, err
	}
	return agree(peer)
}

// size is the length of r and of s in bytes.
func (k *nistPublic) size() int { return byteSize(uint64(k.pub.Params().BitSize)) } //nolint:gosec // not negative

func (k *nistPair) signHash(alg psa.Algorithm, hash []byte) ([]byte, error) {
	var der []byte
	var err error
	if alg.Kind == psa.AlgDeterministicECDSA {
		der, err = k.priv.Sign(nil, hash, alg.Hash.Std()) // no randomness: RFC 6979
	} else {
		der, err = ecdsa.SignASN1(rand.Reader, k.priv, hash)
	}
	if err != nil {
		return nil, wire.Errorf(wire.StatusGenericError, "the ecdsa operation failed: %w", err)
	}
	return rawSignature(der, k.size())
}

// rawSignature turns the DER of r and s into r ‖ s of size bytes each.
func rawSignature(der []byte, size int) ([]byte, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	var r, s []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&r) || !seq.ReadASN1Integer(&s) || len(r) > size || len(s) > size {
		return nil, wire.Errorf(wire.StatusGenericError, "the ecdsa operation gave a malformed signature")
	}
	out := make([]byte, 2*size)
	copy(out[size-len(r):], r)
	copy(out[2*size-len(s):], s)
	return out, nil
}

func (k *nistPublic) verifyHash(_ psa.Algorithm, hash, sig []byte) error {
	n := k.size()
	if len(sig) != 2*n {
		return errSignature()
	}
	r, s := new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])
	if !ecdsa.Verify(k.pub, hash, r, s) {
		return errSignature()
	}
	return nil
}
