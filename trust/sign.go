package trust

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/curve"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/strict"
)

// SigningKey is the Ed25519 key of a device, or the root key of an organisation (1.7).
type SigningKey struct{ secret }

// VerifyKey is its public half. One that is not a point is only found out when it verifies.
type VerifyKey [KeySize]byte

// SignatureSize is how much longer a signed message is.
const SignatureSize = curve.SignatureSize

// GenerateSigningKey returns a random key.
func GenerateSigningKey() SigningKey { return SigningKey{randomSecret(KeySize)} }

// NewSigningKey returns the key with the given seed of 32 bytes, which it copies.
func NewSigningKey(seed []byte) (SigningKey, error) {
	s, err := sizedSecret(seed, KeySize)
	return SigningKey{s}, err
}

// Equal compares in constant time.
func (k SigningKey) Equal(o SigningKey) bool { return k.equal(o.secret) }

// VerifyKey returns the public half.
func (k SigningKey) VerifyKey() (VerifyKey, error) {
	seed, err := k.key()
	if err != nil {
		return VerifyKey{}, err
	}
	return curve.VerifyKey(seed), nil
}

// SignDetached returns the signature alone.
func (k SigningKey) SignDetached(message []byte) ([SignatureSize]byte, error) {
	seed, err := k.key()
	if err != nil {
		return [SignatureSize]byte{}, err
	}
	return curve.Sign(seed, message), nil
}

// Sign returns signature and message.
func (k SigningKey) Sign(message []byte) ([]byte, error) {
	signature, err := k.SignDetached(message)
	if err != nil {
		return nil, err
	}
	signed := make([]byte, 0, SignatureSize+len(message))
	return append(append(signed, signature[:]...), message...), nil
}

// String returns the key in hexadecimal.
func (k VerifyKey) String() string { return hex.EncodeToString(k[:]) }

// Check refuses keys that no signature may be believed under: of small order, or not canonical.
func (k VerifyKey) Check() error {
	if !strict.KeyOK((*[KeySize]byte)(&k)) {
		return ErrWeakKey
	}
	return nil
}

// Verify returns the message of a signed one. It is part of signed.
func (k VerifyKey) Verify(signed []byte) ([]byte, error) {
	if len(signed) < SignatureSize {
		return nil, ErrSignature
	}
	message := signed[SignatureSize:]
	if err := k.VerifyDetached(message, signed[:SignatureSize]); err != nil {
		return nil, err
	}
	return message, nil
}

// VerifyDetached checks a signature that stands apart.
func (k VerifyKey) VerifyDetached(message, signature []byte) error {
	if !strict.Verify((*[KeySize]byte)(&k), message, signature) {
		return ErrSignature
	}
	return nil
}

// HashDigest is a SHA-256 digest.
type HashDigest [sha256.Size]byte

// Digest returns the digest of data.
func Digest(data []byte) HashDigest { return sha256.Sum256(data) }

// String returns the digest in hexadecimal.
func (d HashDigest) String() string { return hex.EncodeToString(d[:]) }
