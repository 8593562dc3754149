package curve

import (
	"crypto/sha512"

	"filippo.io/edwards25519"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// Size is that of keys and points, SignatureSize that of a signature.
const (
	Size          = 32
	SignatureSize = 2 * Size
)

// VerifyKey returns the public half of an Ed25519 key (RFC 8032, 5.1.5).
func VerifyKey(seed *[Size]byte) (public [Size]byte) {
	scrub.Do(func() {
		x := expanded{}
		x.expand(seed)
		defer x.wipe()
		public = x.public
	})
	return public
}

// Sign returns the signature of a message (RFC 8032, 5.1.6).
func Sign(seed *[Size]byte, message []byte) (signature [SignatureSize]byte) {
	scrub.Do(func() {
		x := expanded{}
		x.expand(seed)
		defer x.wipe()
		x.sign(&signature, message)
	})
	return signature
}

// expanded is a key in the parts that it signs with.
type expanded struct {
	scalar, nonce edwards25519.Scalar
	// hash is SHA-512 of the seed; its second half makes nonces.
	hash, digest [hashSize]byte
	public       [Size]byte
	point        edwards25519.Point
}

func (x *expanded) expand(seed *[Size]byte) {
	secretSHA512(&x.hash, seed[:])
	_, _ = x.scalar.SetBytesWithClamping(x.hash[:Size]) // fails for other lengths only
	x.public = x.encode(&x.scalar)
}

// encode returns a multiple of the base point.
func (x *expanded) encode(by *edwards25519.Scalar) [Size]byte {
	return [Size]byte(x.point.ScalarBaseMult(by).Bytes())
}

func (x *expanded) sign(signature *[SignatureSize]byte, message []byte) {
	secretSHA512(&x.digest, x.hash[Size:], message)
	_, _ = x.nonce.SetUniformBytes(x.digest[:]) // likewise
	r := x.encode(&x.nonce)

	h := sha512.New() // of what everybody may know
	h.Write(r[:])
	h.Write(x.public[:])
	h.Write(message)
	challenge, s := edwards25519.Scalar{}, edwards25519.Scalar{}
	_, _ = challenge.SetUniformBytes(h.Sum(nil)) // likewise
	s.MultiplyAdd(&challenge, &x.scalar, &x.nonce)
	copy(signature[:Size], r[:])
	copy(signature[Size:], s.Bytes())
}

func (x *expanded) wipe() {
	x.scalar, x.nonce = edwards25519.Scalar{}, edwards25519.Scalar{}
	clear(x.hash[:])
	clear(x.digest[:])
}
