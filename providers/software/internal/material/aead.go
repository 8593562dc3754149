package material

import (
	"errors"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/mode"
)

// Seal encrypts in.Data, which is not empty, and returns ciphertext ‖ tag. Nonces have 12
// bytes for ChaCha20-Poly1305, 7 to 13 for CCM, any number but 0 for GCM; that none is used
// twice is the caller's.
func (k *Key) Seal(alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	a, err := k.aead(alg, in)
	if err != nil {
		return nil, err
	}
	out, err := a.Seal(in.Nonce, in.Data, in.AdditionalData)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "cannot encrypt: %v", err)
	}
	return out, nil
}

// Open verifies in.Data, which is ciphertext ‖ tag, and returns the plaintext. A wrong tag
// is StatusInvalidSignature.
func (k *Key) Open(alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	a, err := k.aead(alg, in)
	if err != nil {
		return nil, err
	}
	out, err := a.Open(in.Nonce, in.Data, in.AdditionalData)
	switch {
	case errors.Is(err, mode.ErrTag):
		return nil, wire.Errorf(wire.StatusInvalidSignature, "%v", err)
	case err != nil:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "cannot decrypt: %v", err)
	}
	return out, nil
}

// aead is authenticated encryption with one key, algorithm and tag length.
type aead interface {
	Seal(nonce, plaintext, ad []byte) ([]byte, error)
	Open(nonce, ciphertext, ad []byte) ([]byte, error)
}

func (k *Key) aead(alg psa.Algorithm, in providers.AEADInput) (aead, error) {
	m, err := k.symmetric(alg, psa.Kind.AEAD)
	if err != nil {
		return nil, err
	}
	if len(in.Data) == 0 || len(in.Nonce) == 0 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "data and nonce must not be empty")
	}
	tag, err := tagSize(alg)
	if err != nil {
		return nil, err
	}
	switch alg.Kind {
	case psa.AlgGCM:
		return mode.NewGCM(m.block, tag)
	case psa.AlgCCM:
		return mode.NewCCM(m.block, tag)
	default:
		return newChaCha(m.secret, in.Nonce)
	}
}

// chaCha is ChaCha20-Poly1305 with the interface of the modes.
type chaCha struct{ key []byte }

// djbNonce is the length of a nonce of ChaCha20 before RFC 8439; the original tells it
// from other wrong lengths.
const djbNonce = 8

func newChaCha(key, nonce []byte) (aead, error) {
	switch len(nonce) {
	case chacha20poly1305.NonceSize:
		return chaCha{key}, nil
	case djbNonce:
		return nil, wire.Errorf(wire.StatusNotSupported, "chacha20-poly1305 with a nonce of 8 bytes is not supported, only of 12")
	default:
		return nil, wire.Errorf(wire.StatusInvalidArgument, "chacha20-poly1305 has a nonce of 12 bytes, not of %d", len(nonce))
	}
}

func (c chaCha) Seal(nonce, plaintext, ad []byte) ([]byte, error) {
	a, err := chacha20poly1305.New(c.key)
	if err != nil {
		return nil, err
	}
	return a.Seal(make([]byte, 0, len(plaintext)+a.Overhead()), nonce, plaintext, ad), nil
}

func (c chaCha) Open(nonce, ciphertext, ad []byte) ([]byte, error) {
	if len(ciphertext) < chacha20poly1305.Overhead {
		return nil, mode.ErrLength
	}
	a, err := chacha20poly1305.New(c.key)
	if err != nil {
		return nil, err
	}
	out, err := a.Open(make([]byte, 0, len(ciphertext)), nonce, ciphertext, ad)
	if err != nil {
		return nil, mode.ErrTag
	}
	return out, nil
}
