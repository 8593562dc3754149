package devicetest

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Token is a provider in memory that passes for a token: as much as a device needs of one. It is for tests of files, where
// real tokens would take too long, and for keys that are given.
type Token struct {
	// RSA makes it a token without elliptic curves.
	RSA bool

	mu   sync.Mutex // guards the fields below
	next uint64
	ecdh map[uint64]*ecdh.PrivateKey
	rsa  map[uint64]*rsa.PrivateKey
}

// Info describes the token.
func (*Token) Info() providers.Info {
	return providers.Info{ID: wire.ProviderPKCS11, Name: "token"}
}

// Close does nothing.
func (*Token) Close() error { return nil }

// CanDo answers for the curves.
func (t *Token) CanDo(q providers.Capability) error {
	if q.Attributes.Type.RSA() != t.RSA {
		return wire.StatusNotSupported
	}
	return nil
}

// GenerateKey makes a key.
func (t *Token) GenerateKey(_ context.Context, attrs psa.Attributes) (providers.KeyID, error) {
	if attrs.Type.RSA() {
		key, err := rsa.GenerateKey(rand.Reader, int(attrs.Bits))
		if err != nil {
			return nil, err
		}
		return t.AddRSA(key), nil
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return t.AddECDH(key), nil
}

// AddECDH puts a key into the token.
func (t *Token) AddECDH(key *ecdh.PrivateKey) providers.KeyID {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ecdh == nil {
		t.ecdh = map[uint64]*ecdh.PrivateKey{}
	}
	t.next++
	t.ecdh[t.next] = key
	return binary.BigEndian.AppendUint64(nil, t.next)
}

// AddRSA puts a key into the token.
func (t *Token) AddRSA(key *rsa.PrivateKey) providers.KeyID {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rsa == nil {
		t.rsa = map[uint64]*rsa.PrivateKey{}
	}
	t.next++
	t.rsa[t.next] = key
	return binary.BigEndian.AppendUint64(nil, t.next)
}

func (t *Token) keys(key providers.Key) (*ecdh.PrivateKey, *rsa.PrivateKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := binary.BigEndian.Uint64(key.ID)
	return t.ecdh[n], t.rsa[n]
}

// DestroyKey removes a key.
func (t *Token) DestroyKey(_ context.Context, key providers.Key) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := binary.BigEndian.Uint64(key.ID)
	delete(t.ecdh, n)
	delete(t.rsa, n)
	return nil
}

// ExportPublicKey returns a public half.
func (t *Token) ExportPublicKey(_ context.Context, key providers.Key) ([]byte, error) {
	switch e, r := t.keys(key); {
	case e != nil:
		return e.PublicKey().Bytes(), nil
	case r != nil:
		return x509.MarshalPKCS1PublicKey(&r.PublicKey), nil
	}
	return nil, wire.StatusDoesNotExist
}

// RawKeyAgreement agrees.
func (t *Token) RawKeyAgreement(_ context.Context, key providers.Key, _ psa.Algorithm, peer []byte) ([]byte, error) {
	e, _ := t.keys(key)
	if e == nil {
		return nil, wire.StatusDoesNotExist
	}
	public, err := ecdh.P256().NewPublicKey(peer)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "%w", err)
	}
	return e.ECDH(public)
}

// AsymmetricDecrypt decrypts.
func (t *Token) AsymmetricDecrypt(_ context.Context, key providers.Key, _ psa.Algorithm, ciphertext, salt []byte) ([]byte, error) {
	_, r := t.keys(key)
	if r == nil {
		return nil, wire.StatusDoesNotExist
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, r, ciphertext, salt)
	if errors.Is(err, rsa.ErrDecryption) {
		return nil, wire.StatusInvalidPadding
	}
	return plain, err
}
