package psa

import (
	"crypto"
	"fmt"
	"strings"
)

// Hash is a hash algorithm. Values but HashAny are the wire's.
type Hash uint8

// The hash algorithms. HashAny is the selector of a signature policy that permits every
// specific hash; it is never legal in an operation.
const (
	HashNone      Hash = 0
	HashMD2       Hash = 1
	HashMD4       Hash = 2
	HashMD5       Hash = 3
	HashRIPEMD160 Hash = 4
	HashSHA1      Hash = 5
	HashSHA224    Hash = 6
	HashSHA256    Hash = 7
	HashSHA384    Hash = 8
	HashSHA512    Hash = 9
	HashSHA512224 Hash = 10
	HashSHA512256 Hash = 11
	HashSHA3224   Hash = 12
	HashSHA3256   Hash = 13
	HashSHA3384   Hash = 14
	HashSHA3512   Hash = 15
	HashAny       Hash = 0xff
	maxHash            = HashSHA3512
)

var hashes = [...]struct {
	name string
	size int
	std  crypto.Hash
}{
	HashNone: {"none", 0, 0}, HashMD2: {"md2", 16, 0}, HashMD4: {"md4", 16, crypto.MD4}, HashMD5: {"md5", 16, crypto.MD5},
	HashRIPEMD160: {"ripemd160", 20, crypto.RIPEMD160}, HashSHA1: {"sha1", 20, crypto.SHA1},
	HashSHA224: {"sha224", 28, crypto.SHA224}, HashSHA256: {"sha256", 32, crypto.SHA256},
	HashSHA384: {"sha384", 48, crypto.SHA384}, HashSHA512: {"sha512", 64, crypto.SHA512},
	HashSHA512224: {"sha512-224", 28, crypto.SHA512_224}, HashSHA512256: {"sha512-256", 32, crypto.SHA512_256},
	HashSHA3224: {"sha3-224", 28, crypto.SHA3_224}, HashSHA3256: {"sha3-256", 32, crypto.SHA3_256},
	HashSHA3384: {"sha3-384", 48, crypto.SHA3_384}, HashSHA3512: {"sha3-512", 64, crypto.SHA3_512},
}

// Size returns the output length in bytes, 0 for HashNone and HashAny.
func (h Hash) Size() int {
	if int(h) >= len(hashes) {
		return 0
	}
	return hashes[h].size
}

// Std returns the standard library's number of the hash, 0 where it has none. Whether an
// implementation is linked is for the caller to see.
func (h Hash) Std() crypto.Hash {
	if int(h) >= len(hashes) {
		return 0
	}
	return hashes[h].std
}

func (h Hash) String() string {
	if h == HashAny {
		return "any"
	}
	if int(h) < len(hashes) {
		return hashes[h].name
	}
	return fmt.Sprintf("hash %d", uint8(h))
}

// Kind is what an algorithm is, without its parameters.
type Kind uint8

// The algorithms, grouped as in the wire's tree, with room in each group. The numbers are
// those of proto/agent: append only. AlgPureEdDSA is ours.
const (
	AlgNone Kind = 0
	AlgHash Kind = 1

	AlgHMAC   Kind = 0x10
	AlgCBCMAC Kind = 0x11
	AlgCMAC   Kind = 0x12

	AlgStreamCipher Kind = 0x20
	AlgCTR          Kind = 0x21
	AlgCFB          Kind = 0x22
	AlgOFB          Kind = 0x23
	AlgXTS          Kind = 0x24
	AlgECBNoPadding Kind = 0x25
	AlgCBCNoPadding Kind = 0x26
	AlgCBCPKCS7     Kind = 0x27

	AlgCCM              Kind = 0x30
	AlgGCM              Kind = 0x31
	AlgChaCha20Poly1305 Kind = 0x32

	AlgRSAPKCS1v15Sign    Kind = 0x40
	AlgRSAPKCS1v15SignRaw Kind = 0x41
	AlgRSAPSS             Kind = 0x42
	AlgECDSA              Kind = 0x43
	AlgECDSAAny           Kind = 0x44
	AlgDeterministicECDSA Kind = 0x45
	AlgPureEdDSA          Kind = 0x46

	AlgRSAPKCS1v15Crypt Kind = 0x50
	AlgRSAOAEP          Kind = 0x51

	AlgFFDH Kind = 0x60
	AlgECDH Kind = 0x61

	AlgHKDF         Kind = 0x70
	AlgTLS12PRF     Kind = 0x71
	AlgTLS12PSKToMS Kind = 0x72
)

var kindNames = [...]string{
	AlgNone: "none", AlgHash: "hash", AlgHMAC: "hmac", AlgCBCMAC: "cbc-mac", AlgCMAC: "cmac",
	AlgStreamCipher: "stream-cipher", AlgCTR: "ctr", AlgCFB: "cfb", AlgOFB: "ofb", AlgXTS: "xts",
	AlgECBNoPadding: "ecb", AlgCBCNoPadding: "cbc", AlgCBCPKCS7: "cbc-pkcs7", AlgCCM: "ccm", AlgGCM: "gcm",
	AlgChaCha20Poly1305: "chacha20-poly1305", AlgRSAPKCS1v15Sign: "rsa-pkcs1", AlgRSAPKCS1v15SignRaw: "rsa-pkcs1-raw",
	AlgRSAPSS: "rsa-pss", AlgECDSA: "ecdsa", AlgECDSAAny: "ecdsa-any", AlgDeterministicECDSA: "ecdsa-deterministic",
	AlgPureEdDSA: "eddsa", AlgRSAPKCS1v15Crypt: "rsa-pkcs1-crypt", AlgRSAOAEP: "rsa-oaep", AlgFFDH: "ffdh", AlgECDH: "ecdh",
	AlgHKDF: "hkdf", AlgTLS12PRF: "tls12-prf", AlgTLS12PSKToMS: "tls12-psk-to-ms",
}

func (k Kind) String() string { return name(kindNames[:], int(k), "algorithm") }

// Known reports whether k is assigned.
func (k Kind) Known() bool { return int(k) < len(kindNames) && kindNames[k] != "" }

// MAC reports whether k is a message authentication code.
func (k Kind) MAC() bool { return k >= AlgHMAC && k <= AlgCMAC }

// Cipher reports whether k is an unauthenticated cipher.
func (k Kind) Cipher() bool { return k >= AlgStreamCipher && k <= AlgCBCPKCS7 }

// AEAD reports whether k is an authenticated cipher.
func (k Kind) AEAD() bool { return k >= AlgCCM && k <= AlgChaCha20Poly1305 }

// Signature reports whether k is an asymmetric signature.
func (k Kind) Signature() bool { return k >= AlgRSAPKCS1v15Sign && k <= AlgPureEdDSA }

// Encryption reports whether k is asymmetric encryption.
func (k Kind) Encryption() bool { return k == AlgRSAPKCS1v15Crypt || k == AlgRSAOAEP }

// Agreement reports whether k is a key agreement.
func (k Kind) Agreement() bool { return k == AlgFFDH || k == AlgECDH }

// Derivation reports whether k is a key derivation function.
func (k Kind) Derivation() bool { return k >= AlgHKDF && k <= AlgTLS12PSKToMS }

// Algorithm is an algorithm with its parameters. The zero value is "none". Algorithms
// are equal when they are ==, so parameters that a kind does not have must be zero.
type Algorithm struct {
	Kind Kind
	// Hash is the hash of AlgHash, AlgHMAC, signatures (HashAny permitted in policies),
	// OAEP and the key derivations.
	Hash Hash
	// Truncated marks a MAC or AEAD whose output is cut to Length bytes. The default
	// length and the same length said explicitly are different algorithms.
	Truncated bool
	Length    uint64
	// KDF and KDFHash are set for an agreement that feeds a key derivation.
	KDF     Kind
	KDFHash Hash
}

func (a Algorithm) String() string {
	parts := []string{a.Kind.String()}
	if a.Hash != HashNone {
		parts = append(parts, a.Hash.String())
	}
	if a.Truncated {
		parts = append(parts, fmt.Sprintf("%d", a.Length))
	}
	if a.KDF != AlgNone {
		parts = append(parts, a.KDF.String(), a.KDFHash.String())
	}
	return strings.Join(parts, ":")
}
