package trust

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
)

// Names of the algorithms of the sequester (1.10), which stand before what they made.
const (
	sequesterEncryption = "RSAES-OAEP-SHA256-XSALSA20-POLY1305"
	sequesterSignature  = "RSASSA-PSS-SHA256"
)

// What RSA keys are accepted, sizes in bits.
const (
	minRSA = 1024
	maxRSA = 8192
	// minExponent is the smallest public exponent; all are odd.
	minExponent = 3
)

// SequesterEncryptionKey is the public key of a sequester service.
type SequesterEncryptionKey struct{ rsaPublic }

// SequesterVerifyKey is the public key of a sequester authority.
type SequesterVerifyKey struct{ rsaPublic }

// SequesterPrivateKey opens what was encrypted for a sequester service.
type SequesterPrivateKey struct{ rsaPrivate }

// SequesterSigningKey signs for a sequester authority.
type SequesterSigningKey struct{ rsaPrivate }

// rsaPublic keeps the bytes as they were received.
type rsaPublic struct {
	key *rsa.PublicKey
	der []byte
}

// DER returns the SubjectPublicKeyInfo as it was read. It must not be changed.
func (k rsaPublic) DER() []byte { return k.der }

// rsaPrivate hides its key from fmt as a secret does.
type rsaPrivate struct {
	redaction
	at func() *rsa.PrivateKey
}

// key returns the key, nil if there is none.
func (k rsaPrivate) key() *rsa.PrivateKey {
	if k.at == nil {
		return nil
	}
	return k.at()
}

// ParseSequesterEncryptionKey reads a SubjectPublicKeyInfo.
func ParseSequesterEncryptionKey(der []byte) (SequesterEncryptionKey, error) {
	k, err := parseRSAPublic(der)
	return SequesterEncryptionKey{k}, err
}

// ParseSequesterVerifyKey reads a SubjectPublicKeyInfo.
func ParseSequesterVerifyKey(der []byte) (SequesterVerifyKey, error) {
	k, err := parseRSAPublic(der)
	return SequesterVerifyKey{k}, err
}

// ParseSequesterPrivateKey reads PKCS#8.
func ParseSequesterPrivateKey(der []byte) (SequesterPrivateKey, error) {
	k, err := parseRSAPrivate(der)
	return SequesterPrivateKey{k}, err
}

// ParseSequesterSigningKey reads PKCS#8.
func ParseSequesterSigningKey(der []byte) (SequesterSigningKey, error) {
	k, err := parseRSAPrivate(der)
	return SequesterSigningKey{k}, err
}

func parseRSAPublic(der []byte) (rsaPublic, error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return rsaPublic{}, ErrNotRSA
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || !rsaSizeOK(key) {
		return rsaPublic{}, ErrNotRSA
	}
	// The library takes bytes that belong to nothing inside of a key; such a key would have many forms.
	own, err := x509.MarshalPKIXPublicKey(key)
	if err != nil || string(own) != string(der) {
		return rsaPublic{}, ErrNotRSA
	}
	return rsaPublic{key: key, der: own}, nil
}

func parseRSAPrivate(der []byte) (rsaPrivate, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return rsaPrivate{}, ErrNotRSA
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok || !rsaSizeOK(&key.PublicKey) {
		return rsaPrivate{}, ErrNotRSA
	}
	return rsaPrivate{at: func() *rsa.PrivateKey { return key }}, nil
}

func rsaSizeOK(key *rsa.PublicKey) bool {
	return key.N.BitLen() >= minRSA && key.N.BitLen() <= maxRSA && key.E >= minExponent && key.E%2 == 1
}

// Encrypt encrypts for the service with a fresh key.
func (k SequesterEncryptionKey) Encrypt(plaintext []byte) ([]byte, error) {
	if k.key == nil {
		return nil, ErrNotRSA
	}
	fresh := GenerateSecretKey()
	defer fresh.Wipe()
	key, err := fresh.open()
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, k.key, key, nil)
	if err != nil {
		return nil, err
	}
	ciphertext, err := fresh.Encrypt(plaintext)
	if err != nil {
		return nil, err
	}
	return joinSequester(sequesterEncryption, wrapped, ciphertext), nil
}

// Decrypt opens what Encrypt made.
func (k SequesterPrivateKey) Decrypt(ciphertext []byte) ([]byte, error) {
	key := k.key()
	if key == nil {
		return nil, ErrWiped
	}
	wrapped, rest, err := splitSequester(ciphertext, sequesterEncryption, key.Size())
	if err != nil {
		return nil, err
	}
	b, err := rsa.DecryptOAEP(sha256.New(), nil, key, wrapped, nil)
	if err != nil {
		return nil, ErrDecryption
	}
	defer wipe(b)
	inner, err := NewSecretKey(b)
	if err != nil {
		return nil, ErrDecryption
	}
	defer inner.Wipe()
	return inner.Decrypt(rest)
}

// Sign returns algorithm, signature and message.
func (k SequesterSigningKey) Sign(message []byte) ([]byte, error) {
	key := k.key()
	if key == nil {
		return nil, ErrWiped
	}
	digest := sha256.Sum256(message)
	signature, err := rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto})
	if err != nil {
		return nil, err
	}
	return joinSequester(sequesterSignature, signature, message), nil
}

// Verify returns the message of a signed one. It is part of signed.
func (k SequesterVerifyKey) Verify(signed []byte) ([]byte, error) {
	if k.key == nil {
		return nil, ErrNotRSA
	}
	signature, message, err := splitSequester(signed, sequesterSignature, k.key.Size())
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(message)
	if rsa.VerifyPSS(k.key, crypto.SHA256, digest[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto}) != nil {
		return nil, ErrSignature
	}
	return message, nil
}

func joinSequester(algorithm string, block, rest []byte) []byte {
	out := make([]byte, 0, len(algorithm)+1+len(block)+len(rest))
	out = append(append(out, algorithm...), ':')
	return append(append(out, block...), rest...)
}

// splitSequester takes apart what joinSequester made.
func splitSequester(data []byte, algorithm string, size int) (block, rest []byte, err error) {
	name, after, found := bytes.Cut(data, []byte{':'})
	switch {
	case !found:
		return nil, nil, ErrDecryption
	case string(name) != algorithm:
		return nil, nil, fmt.Errorf("%w: %s is expected", ErrAlgorithm, algorithm)
	case len(after) < size:
		return nil, nil, fmt.Errorf("%w: it is cut off", ErrDecryption)
	}
	return after[:size], after[size:], nil
}
