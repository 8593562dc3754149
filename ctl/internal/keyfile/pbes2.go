package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // existing files use it; nothing is written with it
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // PBKDF2's default in existing files; its use there is not broken
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

// What a file may cost at most: a hostile one must not keep us busy for ever.
const (
	maxIterations  = 5_000_000
	maxScryptBytes = 256 << 20
)

// Our own files: OWASP's advice for PBKDF2 with HMAC-SHA-256.
const ourIterations = 600_000

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidAES128 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}
	oidAES192 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
	oid3DES   = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}

	oidHMACSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACSHA224 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}
	oidHMACSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidHMACSHA512 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}
)

// isEncrypted reports whether der has the outline of an EncryptedPrivateKeyInfo.
func isEncrypted(der []byte) bool {
	s, ok := sequence(der)
	var text cryptobyte.String
	if !ok {
		return false
	}
	oid, _, ok := algorithm(&s)
	// PKCS #5 (PBES1, PBES2) or PKCS #12 key encryption.
	known := ok && len(oid) > 5 && (oid[:6].Equal(oidPBES2[:6]) || oid[:6].Equal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12}))
	return known && s.ReadASN1(&text, tag.OCTET_STRING) && s.Empty()
}

// parseEncrypted reads an EncryptedPrivateKeyInfo (RFC 5208) of PBES2 (RFC 8018).
func parseEncrypted(der []byte, passphrase func() ([]byte, error)) (*Key, error) {
	s, ok := sequence(der)
	if !ok {
		return nil, errShape
	}
	oid, params, ok := algorithm(&s)
	var text cryptobyte.String
	if !ok || !s.ReadASN1(&text, tag.OCTET_STRING) || !s.Empty() {
		return nil, errShape
	}
	if !oid.Equal(oidPBES2) {
		return nil, errors.New("it is encrypted in a way that is no longer safe (not PBES2): convert it with openssl pkcs8 -topk8")
	}
	scheme, err := readPBES2(params)
	if err != nil {
		return nil, err
	}
	secret, err := ask(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	plain, err := scheme.open(secret, text)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	key, err := parsePKCS8(plain)
	if err != nil {
		if errors.Is(err, errShape) {
			return nil, ErrPassphrase // one wrong passphrase in 256 leaves valid padding
		}
		return nil, err
	}
	key.Form = "encrypted PKCS #8"
	return key, nil
}

func ask(passphrase func() ([]byte, error)) ([]byte, error) {
	if passphrase == nil {
		return nil, fmt.Errorf("%w: none was given", ErrPassphrase)
	}
	return passphrase()
}

// pbes2 is a key derivation and a cipher.
type pbes2 struct {
	derive func(secret []byte, size int) ([]byte, error)
	block  func([]byte) (cipher.Block, error)
	size   int
	iv     []byte
}

func readPBES2(params cryptobyte.String) (*pbes2, error) {
	var inner cryptobyte.String
	if !params.ReadASN1(&inner, tag.SEQUENCE) {
		return nil, errShape
	}
	kdf, kdfParams, ok := algorithm(&inner)
	if !ok {
		return nil, errShape
	}
	enc, encParams, ok := algorithm(&inner)
	var iv cryptobyte.String
	if !ok || !encParams.ReadASN1(&iv, tag.OCTET_STRING) {
		return nil, errShape
	}
	p := &pbes2{iv: iv, block: aes.NewCipher}
	switch {
	case enc.Equal(oidAES128):
		p.size = 16
	case enc.Equal(oidAES192):
		p.size = 24
	case enc.Equal(oidAES256):
		p.size = 32
	case enc.Equal(oid3DES):
		p.size, p.block = 24, des.NewTripleDESCipher
	default:
		return nil, fmt.Errorf("it is encrypted with the cipher %s, which is not supported", enc)
	}
	var err error
	switch {
	case kdf.Equal(oidPBKDF2):
		p.derive, err = readPBKDF2(kdfParams)
	case kdf.Equal(oidScrypt):
		p.derive, err = readScrypt(kdfParams)
	default:
		err = fmt.Errorf("its passphrase is stretched with %s, which is not supported", kdf)
	}
	return p, err
}

func readPBKDF2(s cryptobyte.String) (func([]byte, int) ([]byte, error), error) {
	var inner, salt cryptobyte.String
	var rounds, length int
	if !s.ReadASN1(&inner, tag.SEQUENCE) || !inner.ReadASN1(&salt, tag.OCTET_STRING) || !inner.ReadASN1Integer(&rounds) {
		return nil, errShape
	}
	if inner.PeekASN1Tag(tag.INTEGER) && !inner.ReadASN1Integer(&length) {
		return nil, errShape
	}
	newHash := sha1.New
	if !inner.Empty() {
		prf, _, ok := algorithm(&inner)
		if !ok {
			return nil, errShape
		}
		switch {
		case prf.Equal(oidHMACSHA1):
		case prf.Equal(oidHMACSHA224):
			newHash = sha256.New224
		case prf.Equal(oidHMACSHA256):
			newHash = sha256.New
		case prf.Equal(oidHMACSHA384):
			newHash = sha512.New384
		case prf.Equal(oidHMACSHA512):
			newHash = sha512.New
		default:
			return nil, fmt.Errorf("its passphrase is stretched with %s, which is not supported", prf)
		}
	}
	if rounds < 1 || rounds > maxIterations {
		return nil, fmt.Errorf("its passphrase is stretched %d times, more than %d", rounds, maxIterations)
	}
	return func(secret []byte, size int) ([]byte, error) {
		if length != 0 && length != size {
			return nil, errShape
		}
		return pbkdf2.Key(func() hash.Hash { return newHash() }, string(secret), salt, rounds, size)
	}, nil
}

func readScrypt(s cryptobyte.String) (func([]byte, int) ([]byte, error), error) {
	var inner, salt cryptobyte.String
	var n, r, p int
	if !s.ReadASN1(&inner, tag.SEQUENCE) || !inner.ReadASN1(&salt, tag.OCTET_STRING) ||
		!inner.ReadASN1Integer(&n) || !inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&p) {
		return nil, errShape
	}
	if n < 2 || r < 1 || p < 1 || r > 1024 || p > 16 || int64(n) > maxScryptBytes/int64(128*r) {
		return nil, errors.New("its passphrase is stretched at a cost that is not accepted")
	}
	return func(secret []byte, size int) ([]byte, error) { return scrypt.Key(secret, salt, n, r, p, size) }, nil
}

// open decrypts; a wrong passphrase is ErrPassphrase.
func (p *pbes2) open(secret, text []byte) ([]byte, error) {
	key, err := p.derive(secret, p.size)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := p.block(key)
	if err != nil {
		return nil, err
	}
	if len(p.iv) != block.BlockSize() || len(text) == 0 || len(text)%block.BlockSize() != 0 {
		return nil, errShape
	}
	plain := make([]byte, len(text))
	cipher.NewCBCDecrypter(block, p.iv).CryptBlocks(plain, text)
	pad := int(plain[len(plain)-1])
	ok := 1
	if pad == 0 || pad > block.BlockSize() {
		pad, ok = 1, 0
	}
	for _, b := range plain[len(plain)-pad:] {
		ok &= subtle.ConstantTimeByteEq(b, byte(pad))
	}
	if ok != 1 {
		clear(plain)
		return nil, ErrPassphrase
	}
	return plain[:len(plain)-pad], nil
}

// seal encrypts a PrivateKeyInfo to a passphrase: PBES2 with PBKDF2-HMAC-SHA-256 and
// AES-256-CBC, which every current program reads.
func seal(secret, plain []byte) ([]byte, error) {
	var salt, iv [16]byte
	_, _ = rand.Read(salt[:]) // never fails
	_, _ = rand.Read(iv[:])
	key, err := pbkdf2.Key(sha256.New, string(secret), salt[:], ourIterations, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := block.BlockSize() - len(plain)%block.BlockSize()
	text := make([]byte, len(plain)+pad)
	copy(text, plain)
	for i := len(plain); i < len(text); i++ {
		text[i] = byte(pad) //nolint:gosec // at most the block size
	}
	cipher.NewCBCEncrypter(block, iv[:]).CryptBlocks(text, text)
	var b cryptobyte.Builder
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidPBES2, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
					b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(salt[:])
						b.AddASN1Int64(ourIterations)
						addAlgorithm(b, oidHMACSHA256, addNull)
					})
				})
				addAlgorithm(b, oidAES256, func(b *cryptobyte.Builder) { b.AddASN1OctetString(iv[:]) })
			})
		})
		b.AddASN1OctetString(text)
	})
	return b.Bytes()
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, params func(*cryptobyte.Builder)) {
	b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if params != nil {
			params(b)
		}
	})
}

func addNull(b *cryptobyte.Builder) { b.AddASN1(tag.NULL, func(*cryptobyte.Builder) {}) }
