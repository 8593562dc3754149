package material

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Encrypt encrypts to the public half. salt is the label of OAEP, and must be empty with
// PKCS#1 v1.5. The plaintext has at least one byte and as many as the padding leaves room for.
func (k *Key) Encrypt(alg psa.Algorithm, plaintext, salt []byte) ([]byte, error) {
	if err := k.checkCrypt(alg, plaintext, salt); err != nil {
		return nil, err
	}
	if m, ok := k.m.(encrypter); ok {
		return m.encrypt(alg, plaintext, salt)
	}
	return nil, k.cannot("encrypt")
}

// Decrypt decrypts with the private half. What was not encrypted for this key, algorithm
// and salt is StatusInvalidPadding.
func (k *Key) Decrypt(alg psa.Algorithm, ciphertext, salt []byte) ([]byte, error) {
	if err := k.checkCrypt(alg, ciphertext, salt); err != nil {
		return nil, err
	}
	if m, ok := k.m.(decrypter); ok {
		return m.decrypt(alg, ciphertext, salt)
	}
	return nil, k.cannot("decrypt")
}

func (k *Key) checkCrypt(alg psa.Algorithm, input, salt []byte) error {
	if err := k.supports(alg, psa.Kind.Encryption); err != nil {
		return err
	}
	switch {
	case alg.Kind == psa.AlgRSAPKCS1v15Crypt && len(salt) > 0:
		return wire.Errorf(wire.StatusInvalidArgument, "%s has no salt", alg)
	case len(input) == 0:
		return wire.Errorf(wire.StatusInvalidArgument, "the input is empty")
	}
	return nil
}

func (k *rsaPublic) encrypt(alg psa.Algorithm, plaintext, label []byte) ([]byte, error) {
	room := k.pub.Size() - pkcs1Overhead
	if alg.Kind == psa.AlgRSAOAEP {
		room = k.pub.Size() - 2*alg.Hash.Size() - 2
	}
	if len(plaintext) > room {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the plaintext has %d bytes, this key takes at most %d", len(plaintext), max(room, 0))
	}
	var out []byte
	var err error
	if alg.Kind == psa.AlgRSAOAEP {
		out, err = rsa.EncryptOAEP(alg.Hash.Std().New(), rand.Reader, k.pub, plaintext, label)
	} else {
		out, err = rsa.EncryptPKCS1v15(rand.Reader, k.pub, plaintext) //nolint:staticcheck // the protocol has it
	}
	if err != nil {
		return nil, wire.Errorf(wire.StatusGenericError, "the rsa operation failed: %w", err)
	}
	return out, nil
}

func (k *rsaPair) decrypt(alg psa.Algorithm, ciphertext, label []byte) ([]byte, error) {
	if len(ciphertext) != k.pub.Size() || new(big.Int).SetBytes(ciphertext).Cmp(k.pub.N) >= 0 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the ciphertext is not a number of %d bytes below the modulus", k.pub.Size())
	}
	var out []byte
	var err error
	if alg.Kind == psa.AlgRSAOAEP {
		if k.pub.Size() < 2*alg.Hash.Size()+2 {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "the key is too small for oaep with %s", alg.Hash)
		}
		out, err = rsa.DecryptOAEP(alg.Hash.Std().New(), nil, k.priv, ciphertext, label)
	} else {
		out, err = rsa.DecryptPKCS1v15(nil, k.priv, ciphertext) //nolint:staticcheck // the protocol has it
	}
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidPadding, "the ciphertext was not made for this key, algorithm and salt")
	}
	return out, nil
}
