// Package material is the cryptography of the software provider, without its storage: it
// makes keys, parses them, and uses them. The exact behaviour is docs/spec/parsec-service.md
// section 6.2 with the formats of 3.5; the policy rules of section 3.4 are the caller's.
//
// Primitives come from the standard library where it has them, else from golang.org/x/crypto
// (ChaCha20, RIPEMD-160), cloudflare/circl (X448) and filippo.io/bigmod (finite field
// Diffie-Hellman); what none of them has is in the packages weierstrass, camellia and mode.
//
// Promised: data is validated completely before a Key exists (an RSA pair must be
// consistent, a point on its curve, a scalar in range); errors carry the status of the
// original; operations with private asymmetric keys, tag and MAC comparisons are constant
// time, so that no curve needs the allow_deprecated setting. A Key prints as its kind only.
//
// Not promised: AES and its GHASH are constant time only with the CPU's instructions (amd64,
// arm64), DES and the GHASH of Camellia never are; PKCS#1 v1.5 decryption and CBC with PKCS#7
// padding report invalid padding as the protocol demands, so whoever may decrypt with them
// has a padding oracle. Wipe clears the key bytes that this package owns; what the libraries
// precomputed stays until the garbage collector has freed it.
//
// # Intended differences from the original
//
//	P-384, RSA-3072                  can be generated, and imported under their size
//	deterministic ECDSA              works (RFC 6979); the original refuses every use
//	sign/verify message, MAC, cipher work; the original has no such operations
//	FFDH                             works; the original makes keys and refuses their use
//	tag length said to be 16         is used as said; the original forgets that it was said
//	tag lengths from 64              refused at use as invalid; the original takes them modulo 64
//	RSA below 1024 bits              not supported; the original imports it without a size
//	RSA exponents above 2³¹-1        not supported; the original imports them
//	inconsistent RSA pairs           refused; the original imports them and fails, or worse
//	DH values out of range           refused; the original imports any bytes
//	RSA signatures above the modulus invalid signature (1149), as the rule says; the original 1135
//	export public of DES keys        1135 as for all symmetric types, whatever the policy
//	CanDoCrypto                      see Advise
//
// Choices where the original has no behaviour: a truncated MAC has at least 4 bytes; CBC-MAC
// takes whole blocks only; the stream cipher is ChaCha20 with a 12-byte nonce and counter 0;
// XTS needs a 256-bit key, being two 128-bit halves; CFB feeds back whole blocks; messages
// are signed by hashing them with the algorithm's hash.
//
// A Key is immutable and safe for concurrent use until Wipe.
package material
