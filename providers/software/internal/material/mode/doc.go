// Package mode holds the modes of block ciphers that the standard library lacks: CCM (NIST
// SP 800-38C), GCM with tags below 12 bytes or together with an unusual nonce length (SP
// 800-38D), CMAC (SP 800-38B), plain CBC-MAC (ISO/IEC 9797-1 algorithm 1) and XTS with
// ciphertext stealing (IEEE 1619). They serve the Parsec service's keys and take any
// cipher.Block of the right size.
//
// Tags are compared in constant time, and no plaintext leaves before its tag is verified.
// Whether a mode as a whole is constant time depends on the block cipher. Uniqueness of
// nonces is the caller's business. Functions keep no state; a CCM or GCM value is immutable
// and safe for concurrent use.
package mode

import (
	"crypto/subtle"
	"errors"
)

// ErrTag says that a tag does not match: wrong key, nonce, data, associated data or tag.
var ErrTag = errors.New("the authentication tag does not match")

// ErrLength says that an input has a length that the mode does not take.
var ErrLength = errors.New("the input has a length that the mode does not take")

// xor sets dst to a ⊕ b for len(dst) bytes.
func xor(dst, a, b []byte) { subtle.XORBytes(dst, a[:len(dst)], b[:len(dst)]) }
