// Package pkcs11 is the provider whose keys lie on a PKCS#11 token, under the original's
// number, UUID and key ids (docs/spec/parsec-service.md 5.6 and 6.3).
//
// The vendor's library runs in a child process, parsec-pkcs11-helper; the agent itself stays
// free of C. A library that crashes, hangs or leaks takes down its helper, which is started
// again and logged in again. A request is repeated only if it surely did not happen or may
// happen twice. While the token is away requests fail with a precise error, and service
// resumes by itself when it is back.
//
// It promises: no PIN that a token refused is sent to it again, not even after a restart, and
// the last try is never used (docs/formats/pkcs11-pin-record.md); objects on the token are
// never removed unless their key is destroyed; a template that the token refuses is tried
// again with fewer attributes, and the log says which were left out and why. It does not
// protect keys from who has the PIN and the token, nor plaintexts from the library.
//
// A Provider may be used concurrently. It keeps at most Options.Sessions sessions with the
// token, and one login.
package pkcs11
