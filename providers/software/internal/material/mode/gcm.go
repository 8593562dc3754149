package mode

import (
	"crypto/cipher"
	"crypto/subtle"
	"fmt"
)

// GCM is Galois/counter mode with any nonce of at least one byte and tags of 4 to 16 bytes.
// SP 800-38D allows short tags only with limits on the amount of data, which the owner of
// the key must keep.
type GCM struct {
	block   cipher.Block
	tagSize int
}

// NewGCM returns GCM over the standard library's, which knows other nonce lengths and other
// tag lengths but not both.
func NewGCM(b cipher.Block, tagSize int) (*GCM, error) {
	if b.BlockSize() != blockSize {
		return nil, errBlock
	}
	if tagSize < 4 || tagSize > 16 {
		return nil, fmt.Errorf("gcm tags have 4 to 16 bytes, not %d", tagSize)
	}
	return &GCM{b, tagSize}, nil
}

// full is GCM with whole tags for nonces of the given length.
func (g *GCM) full(nonceSize int) (cipher.AEAD, error) {
	if nonceSize == 0 {
		return nil, ErrLength
	}
	return cipher.NewGCMWithNonceSize(g.block, nonceSize)
}

// Seal returns ciphertext ‖ tag: a short tag is the beginning of the whole one.
func (g *GCM) Seal(nonce, plaintext, ad []byte) ([]byte, error) {
	a, err := g.full(len(nonce))
	if err != nil {
		return nil, err
	}
	out := a.Seal(make([]byte, 0, len(plaintext)+blockSize), nonce, plaintext, ad)
	return out[:len(plaintext)+g.tagSize], nil
}

// Open verifies ciphertext ‖ tag and returns the plaintext, or ErrTag.
func (g *GCM) Open(nonce, ciphertext, ad []byte) ([]byte, error) {
	size := len(ciphertext) - g.tagSize
	if size < 0 {
		return nil, ErrLength
	}
	a, err := g.full(len(nonce))
	if err != nil {
		return nil, err
	}
	if g.tagSize < blockSize {
		return g.openShort(a, nonce, ciphertext, ad)
	}
	out, err := a.Open(make([]byte, 0, size), nonce, ciphertext, ad)
	if err != nil {
		return nil, ErrTag
	}
	return out, nil
}

// openShort finds the whole tag by sealing again: counter mode is its own inverse, so
// sealing the ciphertext gives the plaintext, and sealing that the tag.
func (g *GCM) openShort(a cipher.AEAD, nonce, ciphertext, ad []byte) ([]byte, error) {
	size := len(ciphertext) - g.tagSize
	plain := a.Seal(make([]byte, 0, size+blockSize), nonce, ciphertext[:size], nil)[:size]
	again := a.Seal(make([]byte, 0, size+blockSize), nonce, plain, ad)
	if subtle.ConstantTimeCompare(again[size:size+g.tagSize], ciphertext[size:]) != 1 {
		clear(plain)
		return nil, ErrTag
	}
	return plain, nil
}
