package trust

import (
	"crypto/rand"
	"encoding/hex"

	"golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // NaCl boxes are made of it, and package box has copies of the key

	"github.com/seed-73b3884f/parsec-agent/trust/internal/blake"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/curve"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
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

// Public returns the public key.
func (k PrivateKey) Public() (PublicKey, error) {
	own, err := k.key()
	if err != nil {
		return PublicKey{}, err
	}
	return curve.PublicKey(own), nil
}

// exchange fails for a public key of small order, with which everybody can compute. The caller wipes what it returns.
func (k PrivateKey) exchange(peer PublicKey) ([]byte, error) {
	own, err := k.key()
	if err != nil {
		return nil, err
	}
	shared := make([]byte, KeySize)
	if !curve.Exchange((*[KeySize]byte)(shared), own, (*[KeySize]byte)(&peer)) {
		return nil, ErrWeakKey
	}
	return shared, nil
}

// Check refuses keys of small order: nothing can be sealed for them.
func (k PublicKey) Check() error {
	probe := GeneratePrivateKey()
	defer probe.Wipe()
	shared, err := probe.exchange(k)
	wipe(shared)
	return err
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

// Open decrypts what was sealed for the key. The library's way to do so has copies of the key (package curve), and takes keys of small order.
func (k PrivateKey) Open(sealed []byte) ([]byte, error) {
	public, err := k.Public()
	if err != nil {
		return nil, err
	}
	if len(sealed) < SealedBoxOverhead {
		return nil, ErrDecryption
	}
	shared, err := k.exchange(PublicKey(sealed[:KeySize]))
	if err != nil {
		return nil, ErrDecryption
	}
	defer wipe(shared)
	nonce := [nonceSize]byte{}
	if err := boxNonce(&nonce, sealed[:KeySize], public[:]); err != nil {
		return nil, err
	}
	var plaintext []byte
	ok := false
	scrub.Do(func() {
		key := (*[KeySize]byte)(shared)
		salsa.HSalsa20(key, new([16]byte), key, &salsa.Sigma)
		plaintext, ok = secretbox.Open(make([]byte, 0, len(sealed)-SealedBoxOverhead), sealed[KeySize:], &nonce, key)
	})
	if !ok {
		return nil, ErrDecryption
	}
	return plaintext, nil
}

// boxNonce is the nonce of a sealed box: no two have the same ephemeral key.
func boxNonce(nonce *[nonceSize]byte, ephemeral, public []byte) error {
	return (&blake.Config{}).Sum(nonce[:], ephemeral, public)
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
	sum := [blake.Size]byte{}
	defer wipe(sum[:])
	if err := (&blake.Config{}).Sum(sum[:], shared, first[:], second[:]); err != nil {
		return SecretKey{}, err
	}
	return NewSecretKey(sum[:KeySize])
}
