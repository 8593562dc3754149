package trust

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"strings"

	"golang.org/x/crypto/nacl/secretbox"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/blake"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// SecretKey encrypts with XSalsa20-Poly1305 (1.2). Nonces are 24 random bytes, so the number of messages
// under one key is of no concern. Nothing binds a ciphertext to its place: what is encrypted must say that itself.
type SecretKey struct{ secret }

const (
	nonceSize = 24
	// SecretKeyOverhead is how much longer a ciphertext is than its plaintext.
	SecretKeyOverhead = nonceSize + secretbox.Overhead
)

// GenerateSecretKey returns a random key.
func GenerateSecretKey() SecretKey { return SecretKey{randomSecret(KeySize)} }

// NewSecretKey returns the key with the given 32 bytes, which it copies.
func NewSecretKey(b []byte) (SecretKey, error) {
	s, err := sizedSecret(b, KeySize)
	return SecretKey{s}, err
}

// Equal compares in constant time.
func (k SecretKey) Equal(o SecretKey) bool { return k.equal(o.secret) }

// Encrypt returns nonce, tag and ciphertext.
func (k SecretKey) Encrypt(plaintext []byte) ([]byte, error) {
	return k.appendEncrypted(make([]byte, 0, SecretKeyOverhead+len(plaintext)), plaintext)
}

// appendEncrypted appends to dst, which is not part of the plaintext.
func (k SecretKey) appendEncrypted(dst, plaintext []byte) ([]byte, error) {
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	nonce := [nonceSize]byte{}
	_, _ = rand.Read(nonce[:]) // never fails
	dst = append(dst, nonce[:]...)
	scrub.Do(func() { dst = secretbox.Seal(dst, plaintext, &nonce, key) })
	return dst, nil
}

// Decrypt returns the plaintext.
func (k SecretKey) Decrypt(ciphertext []byte) ([]byte, error) {
	return k.appendDecrypted(make([]byte, 0, max(0, len(ciphertext)-SecretKeyOverhead)), ciphertext)
}

// appendDecrypted appends to dst, which is not part of the ciphertext.
func (k SecretKey) appendDecrypted(dst, ciphertext []byte) ([]byte, error) {
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	if len(ciphertext) < SecretKeyOverhead {
		return nil, ErrDecryption
	}
	var plaintext []byte
	ok := false
	scrub.Do(func() {
		plaintext, ok = secretbox.Open(dst, ciphertext[nonceSize:], (*[nonceSize]byte)(ciphertext), key)
	})
	if !ok {
		return nil, ErrDecryption
	}
	return plaintext, nil
}

// MAC512 returns keyed BLAKE2b with 64 bytes.
func (k SecretKey) MAC512(data ...[]byte) (mac [64]byte, err error) {
	key, err := k.open()
	if err != nil {
		return mac, err
	}
	return mac, (&blake.Config{Key: key}).Sum(mac[:], data...)
}

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// passphraseGroup is how many letters stand together.
const passphraseGroup = 4

// Passphrase returns the text form of the key: 13 groups of 4 letters. It is as secret as the key.
func (k SecretKey) Passphrase() ([]byte, error) {
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	letters := make([]byte, base32Text.EncodedLen(KeySize))
	defer wipe(letters)
	base32Text.Encode(letters, key[:])
	text := make([]byte, 0, len(letters)+len(letters)/passphraseGroup)
	for i, letter := range letters {
		if i > 0 && i%passphraseGroup == 0 {
			text = append(text, '-')
		}
		text = append(text, letter)
	}
	return text, nil
}

// maxPassphrase bounds what a person types.
const maxPassphrase = 4096

// SecretKeyFromPassphrase reads what a person typed: small letters, 0 for O, 1 for I, and anything between the letters are forgiven.
func SecretKeyFromPassphrase(text []byte) (SecretKey, error) {
	if len(text) > maxPassphrase {
		return SecretKey{}, ErrKeySize
	}
	letters := make([]byte, 0, len(text))
	defer func() { wipe(letters[:cap(letters)]) }()
	for _, c := range text {
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c == '0':
			c = 'O'
		case c == '1':
			c = 'I'
		}
		if strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", c) >= 0 {
			letters = append(letters, c)
		}
	}
	key := make([]byte, base32Text.DecodedLen(len(letters)))
	defer wipe(key)
	n, err := base32Text.Decode(key, letters)
	if err != nil {
		return SecretKey{}, ErrKeySize
	}
	// The library takes a letter too many, and letters whose last bits say nothing: a key has one text.
	again := make([]byte, base32Text.EncodedLen(n))
	defer wipe(again)
	base32Text.Encode(again, key[:n])
	if subtle.ConstantTimeCompare(again, letters) != 1 {
		return SecretKey{}, ErrKeySize
	}
	return NewSecretKey(key[:n])
}
