package material

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/weierstrass"
)

// short is a short Weierstrass curve that the standard library lacks.
type short struct{ curve func() *weierstrass.Curve }

var (
	koblitz192   = short{weierstrass.Secp192k1}
	koblitz256   = short{weierstrass.Secp256k1}
	random192    = short{weierstrass.Secp192r1}
	brainpool256 = short{weierstrass.BrainpoolP256r1}
	brainpool384 = short{weierstrass.BrainpoolP384r1}
	brainpool512 = short{weierstrass.BrainpoolP512r1}
)

func (g short) generate() ([]byte, error) {
	k, err := g.curve().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("generate a key on %s: %w", g.curve(), err)
	}
	defer k.Wipe()
	return k.Bytes(), nil
}

func (g short) private(data []byte) (keyMaterial, error) {
	k, err := g.curve().NewPrivateKey(data)
	if err != nil {
		return nil, err
	}
	return &shortPair{shortPublic{k.Public()}, k}, nil
}

func (g short) point(data []byte) (keyMaterial, error) {
	k, err := g.curve().NewPublicKey(data)
	if err != nil {
		return nil, err
	}
	return &shortPublic{k}, nil
}

type shortPublic struct{ pub *weierstrass.PublicKey }

type shortPair struct {
	shortPublic
	priv *weierstrass.PrivateKey
}

func (k *shortPublic) public() []byte          { return k.pub.Bytes() }
func (k *shortPublic) export() ([]byte, error) { return k.pub.Bytes(), nil }
func (k *shortPublic) wipe()                   {}
func (k *shortPair) export() ([]byte, error)   { return k.priv.Bytes(), nil }
func (k *shortPair) wipe()                     { k.priv.Wipe() }

func (k *shortPair) signHash(alg psa.Algorithm, hash []byte) ([]byte, error) {
	if alg.Kind == psa.AlgDeterministicECDSA {
		return k.priv.SignDeterministic(alg.Hash.Std().New, hash), nil
	}
	sig, err := k.priv.Sign(hash)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInsufficientEntropy, "the ecdsa operation failed: %w", err)
	}
	return sig, nil
}

func (k *shortPublic) verifyHash(_ psa.Algorithm, hash, sig []byte) error {
	if !k.pub.Verify(hash, sig) {
		return errSignature()
	}
	return nil
}

func (k *shortPair) agree(peer []byte) ([]byte, error) { return shortAgreement(k.priv, peer) }

// shortAgreement validates the peer's point and multiplies it.
func shortAgreement(k *weierstrass.PrivateKey, peer []byte) ([]byte, error) {
	pub, err := k.Public().Curve().NewPublicKey(peer)
	if err != nil {
		return nil, err
	}
	return k.ECDH(pub)
}
