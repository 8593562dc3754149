// Package wycheproof turns the test vectors of the module github.com/c2sp/wycheproof into
// operations of the key service: which key to import with which policy, which operation to
// call with it, and what must come of it. Tests of providers, and of the whole agent
// through its socket, replay the same cases:
//
//	for _, file := range wycheproof.Files() {
//		for _, c := range wycheproof.Load(t, file) { … c.Want, c.Exception … }
//	}
//
// Covered are ECDSA and ECDH on the curves of docs/spec/parsec-service.md section 6.2 with
// SHA-2 and SHA-3, X25519, X448, Ed25519, RSA PKCS#1 v1.5 and PSS signatures, PKCS#1 v1.5 and OAEP
// decryption, AES and Camellia in GCM, CCM, CBC, XTS and CMAC, ChaCha20-Poly1305, and HMAC.
// Vectors about encodings that the service does not have (DER signatures, SPKI keys with
// explicit parameters) are left out where the encoding itself is the test.
//
// The package is for tests only. Cases share the memory of their file: do not change them.
package wycheproof
