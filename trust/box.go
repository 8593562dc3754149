package trust

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/hex"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"
)

// PrivateKey is the X25519 key of a user, which all devices of the user share (1.5).
type PrivateKey struct{ secret }

// PublicKey is what others encrypt for a user with.
type PublicKey [KeySize]byte

// SealedBoxOverhead is how much longer a sealed box is than its content.
const SealedBoxOverhead = KeySize + secretbox.Overhead

// GeneratePrivateKey returns a random key.
func GeneratePrivateKey() PrivateKey { return PrivateKey{randomSecret(KeySize)} }

// NewPrivateKey returns the key with the given 32 bytes, which it copies.
func NewPrivateKey(b []byte) (PrivateKey, error) {
	s, err := sizedSecret(b, KeySize)
	return PrivateKey{s}, err
}

// Equal compares in constant time.
func (k PrivateKey) Equal(o PrivateKey) bool { return k.equal(o.secret) }

// String returns the key in hexadecimal.
func (k PublicKey) String() string { return hex.EncodeToString(k[:]) }

func (k PrivateKey) x25519() (*ecdh.PrivateKey, error) {
	b, err := k.open()
	if err != nil {
		return nil, err
	}
	return ecdh.X25519().NewPrivateKey(b)
}

// Public returns the public key.
func (k PrivateKey) Public() (PublicKey, error) {
	own, err := k.x25519()
	if err != nil {
		return PublicKey{}, err
	}
	return PublicKey(own.PublicKey().Bytes()), nil
}

// exchange fails for a public key of small order, with which everybody can compute.
func (k PrivateKey) exchange(peer PublicKey) ([]byte, error) {
	own, err := k.x25519()
	if err != nil {
		return nil, err
	}
	public, err := ecdh.X25519().NewPublicKey(peer[:])
	if err != nil {
		return nil, err
	}
	shared, err := own.ECDH(public)
	if err != nil {
		return nil, ErrWeakKey
	}
	return shared, nil
}

// Check refuses keys of small order: nothing can be sealed for them.
func (k PublicKey) Check() error {
	probe := GeneratePrivateKey()
	defer probe.Wipe()
	return probe.accepts(k)
}

// Seal encrypts for the key's owner. The reader learns nothing about who did it: sign what needs an author. For a key of
// small order the library would encrypt with a key that everybody can compute.
func (k PublicKey) Seal(plaintext []byte) ([]byte, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	out := make([]byte, 0, SealedBoxOverhead+len(plaintext))
	return box.SealAnonymous(out, plaintext, (*[KeySize]byte)(&k), rand.Reader)
}

// Open decrypts what was sealed for the key.
func (k PrivateKey) Open(sealed []byte) ([]byte, error) {
	public, err := k.Public()
	if err != nil {
		return nil, err
	}
	if len(sealed) < SealedBoxOverhead {
		return nil, ErrDecryption
	}
	if err := k.accepts(PublicKey(sealed[:KeySize])); err != nil {
		return nil, ErrDecryption
	}
	private, err := k.key()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(sealed)-SealedBoxOverhead)
	plaintext, ok := box.OpenAnonymous(out, sealed, (*[KeySize]byte)(&public), private)
	if !ok {
		return nil, ErrDecryption
	}
	return plaintext, nil
}

// accepts refuses keys of small order, which the library takes.
func (k PrivateKey) accepts(peer PublicKey) error {
	shared, err := k.exchange(peer)
	wipe(shared)
	return err
}

// GreeterSharedSecret is what a greeter has in common with a claimer (1.6).
func (k PrivateKey) GreeterSharedSecret(claimer PublicKey) (SecretKey, error) {
	greeter, err := k.Public()
	if err != nil {
		return SecretKey{}, err
	}
	return k.sharedSecret(claimer, greeter, claimer)
}

// ClaimerSharedSecret is what a claimer has in common with a greeter.
func (k PrivateKey) ClaimerSharedSecret(greeter PublicKey) (SecretKey, error) {
	claimer, err := k.Public()
	if err != nil {
		return SecretKey{}, err
	}
	return k.sharedSecret(greeter, greeter, claimer)
}

func (k PrivateKey) sharedSecret(peer, first, second PublicKey) (SecretKey, error) {
	shared, err := k.exchange(peer)
	if err != nil {
		return SecretKey{}, err
	}
	defer wipe(shared)
	h, err := blake2b.New512(nil)
	if err != nil {
		return SecretKey{}, err
	}
	h.Write(shared)
	h.Write(first[:])
	h.Write(second[:])
	sum := h.Sum(nil)
	defer wipe(sum)
	return NewSecretKey(sum[:KeySize])
}
