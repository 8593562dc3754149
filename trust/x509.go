package trust

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// Names of the algorithms of certificates and smart cards (1.13).
const (
	PKISignature  = "RSASSA-PSS-SHA256"
	PKIEncryption = "RSAES-OAEP-SHA256"
)

var pkiPSS = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}

// SignX509 signs with the key of a certificate, which may be on a token.
func SignX509(key crypto.Signer, payload []byte) ([]byte, error) {
	// Keys of other kinds would sign too, in a way that nobody expects.
	if _, ok := key.Public().(*rsa.PublicKey); !ok {
		return nil, ErrNotRSA
	}
	digest := sha256.Sum256(payload)
	return key.Sign(rand.Reader, digest[:], pkiPSS)
}

// VerifyX509 checks a signature under the key of a certificate. Whether the certificate is to be believed is another question.
func VerifyX509(certificate *x509.Certificate, payload, signature []byte) error {
	key, err := x509RSA(certificate)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(payload)
	if rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, pkiPSS) != nil {
		return ErrSignature
	}
	return nil
}

// EncryptX509 encrypts a key for the owner of a certificate.
func EncryptX509(certificate *x509.Certificate, key SecretKey) ([]byte, error) {
	public, err := x509RSA(certificate)
	if err != nil {
		return nil, err
	}
	b, err := key.open()
	if err != nil {
		return nil, err
	}
	return rsa.EncryptOAEP(sha256.New(), rand.Reader, public, b, nil)
}

// DecryptX509 opens what EncryptX509 made, with a key that may be on a token.
func DecryptX509(key crypto.Decrypter, ciphertext []byte) (SecretKey, error) {
	b, err := decryptX509(key, ciphertext)
	if err != nil {
		return SecretKey{}, err
	}
	defer wipe(b)
	return NewSecretKey(b)
}

func decryptX509(key crypto.Decrypter, ciphertext []byte) ([]byte, error) {
	b, err := key.Decrypt(rand.Reader, ciphertext, &rsa.OAEPOptions{Hash: crypto.SHA256})
	if err != nil {
		return nil, ErrDecryption
	}
	return b, nil
}

// X509Hash is how a certificate is referred to: the digest of its DER.
type X509Hash HashDigest

const x509HashPrefix = "sha256-"

// X509HashOf returns the hash of a certificate.
func X509HashOf(der []byte) X509Hash { return sha256.Sum256(der) }

// ParseX509Hash reads the text form.
func ParseX509Hash(s string) (X509Hash, error) {
	digits, found := strings.CutPrefix(s, x509HashPrefix)
	b, err := decodeBase64(base64.StdEncoding, digits)
	if !found || err != nil || len(b) != sha256.Size {
		return X509Hash{}, ErrAlgorithm
	}
	return X509Hash(b), nil
}

// String returns the text form.
func (h X509Hash) String() string { return x509HashPrefix + base64.StdEncoding.EncodeToString(h[:]) }

func x509RSA(certificate *x509.Certificate) (*rsa.PublicKey, error) {
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || !rsaSizeOK(key) {
		return nil, ErrNotRSA
	}
	return key, nil
}
