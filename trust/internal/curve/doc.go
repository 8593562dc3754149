// Package curve signs by Ed25519 and agrees by X25519 with keys that stay where they are. crypto/ed25519 keeps the expanded keys
// of those who sign, and crypto/ecdh a copy of every private key, in memory that nobody can wipe (decision 0078). The arithmetic of the field and of the curve
// is that of filippo.io/edwards25519, from which the standard library's is taken.
//
// It takes the same time whatever the key is. What it needs of a key lies on the stack, and is overwritten before it returns.
package curve
