// Package secrets protects what a server must hold but should not show to whoever reads its database: tokens that are
// only compared are kept as digests under the server's key, those that must be given out again are encrypted under it.
// The format of the key's file is docs/formats/server-key.md.
//
// A Box may be used concurrently.
package secrets

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the size of a server's key.
const KeySize = 32

// ErrOpen is what a text gives that was not sealed with this key for this purpose and context.
var ErrOpen = errors.New("a secret of the database does not open with the key of this server")

// Box seals and digests under one key, with a key of its own for each purpose.
type Box struct {
	// key is a function because fmt shows fields, and follows pointers.
	key func() []byte
}

// NewBox returns a box for a key, which it copies.
func NewBox(key []byte) (*Box, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("the key of the server has %d bytes instead of %d", len(key), KeySize)
	}
	own := append([]byte(nil), key...)
	return &Box{key: func() []byte { return own }}, nil
}

// derive returns the key of a purpose; label keeps uses of one purpose apart.
func (b *Box) derive(label, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, b.key(), nil, "parsec-server "+label+" "+purpose, KeySize)
	if err != nil {
		panic(err) // only sizes out of the question
	}
	return key
}

// Digest returns what stands for a secret that is only looked up or compared.
func (b *Box) Digest(purpose string, secret []byte) []byte {
	key := b.derive("digest", purpose)
	defer clear(key)
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(secret)
	return h.Sum(nil)
}

// Agreement says which key a database belongs to.
func (b *Box) Agreement() []byte { return b.Digest("agreement", nil) }

// Seal encrypts a secret. It opens only for the same purpose and context, such as the row that it is in.
func (b *Box) Seal(purpose string, context, secret []byte) []byte {
	aead := b.aead(purpose)
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(secret)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails; 24 random bytes do not repeat
	return aead.Seal(nonce, nonce, secret, context)
}

// Open decrypts what Seal made; the caller wipes it.
func (b *Box) Open(purpose string, context, sealed []byte) ([]byte, error) {
	aead := b.aead(purpose)
	if len(sealed) < aead.NonceSize() {
		return nil, ErrOpen
	}
	secret, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], context)
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}

func (b *Box) aead(purpose string) cipher.AEAD {
	key := b.derive("seal", purpose)
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // the size is constant
	}
	return aead
}
