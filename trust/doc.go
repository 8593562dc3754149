// Package trust decides what is true in an organisation: bytes in, verdict out, no I/O. It holds
// the cryptographic primitives, identifiers, addresses and signed objects of Parsec version 3, byte
// for byte as docs/spec/parsec-cloud-data.md describes them; section numbers in comments are of
// that document. Whom a chain of X.509 certificates speaks for, X509Trust decides.
//
// What it promises: nothing of a signed object is believed before its signature is verified over
// the bytes as received, but the type, author and timestamp that Look returns to find the key with.
// Every length, count, depth and decompressed size is bounded. Values that mean different things
// have different types: a UserID is no DeviceID, a SigningKey no SecretKey.
//
// Secrets cannot be printed, logged, compared with == or encoded by accident, are compared in
// constant time and are cleared by Wipe. Signing, agreeing, encrypting and deriving leave no copies of a
// long-lived key: what they need of it is on the stack and is overwritten. Not cleared are: what Argon2id has of a
// password, and the hash of one-time codes of their secret; the inside of crypto/rsa; ephemeral keys of boxes, inside of
// crypto/ecdh; what the compressor has of a plaintext in its tables; a stack that grows or shrinks just then.
//
// Values may be used by several goroutines at once, as long as none wipes or decodes into them.
package trust
