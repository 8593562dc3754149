// Package weierstrass implements ECDSA and Diffie-Hellman on the prime-order short
// Weierstrass curves that the standard library lacks: secp192r1, secp192k1, secp256k1,
// brainpoolP256r1, brainpoolP384r1 and brainpoolP512r1, and Diffie-Hellman on secp224r1,
// whose ECDSA the standard library has. They are for keys of the Parsec service
// (docs/spec/parsec-service.md section 6.2); use crypto/ecdsa and crypto/ecdh for others.
//
// Promised: operations with a private key run in time that depends on the curve and on
// public lengths alone. Field and scalar arithmetic is Montgomery multiplication over 64-bit
// limbs by math/bits (whose functions are documented to be constant time), without
// branches or indexes on values; points are projective and added by the complete formulas
// of Renes, Costello and Batina (2015, algorithm 1), which have no exceptional case on
// these curves; scalar multiplication is a fixed-window ladder that reads its whole table
// at each step. Every point that comes from outside is verified to be on the curve, which
// suffices because all cofactors are 1. Nonces are those of RFC 6979, with fresh
// randomness mixed in unless a deterministic signature is asked for.
//
// Not promised: resistance to power analysis or faults, and speed beyond what such keys
// need (a 256-bit signature takes a fraction of a millisecond). Intermediate values stay
// on the stack and in freed heap memory; only PrivateKey.Wipe's own copy is cleared.
//
// All values are immutable after construction, except by Wipe, and safe for concurrent use.
package weierstrass
