// Package keyfile reads and writes the files in which other programs keep keys: PEM and
// DER of PKCS #8 (plain or encrypted), PKCS #1, SEC 1 and SPKI, and certificates for their
// public key. Inside the service keys have the bare formats of
// docs/spec/parsec-service.md section 3.5; this package converts between the two.
//
// It checks structure only. Whether a point lies on its curve, or an RSA key is one, the
// service decides when the key is imported.
//
// Private keys pass through buffers of this package and of encoding/asn1; those that it
// owns are wiped, what the standard library copied is not.
package keyfile
