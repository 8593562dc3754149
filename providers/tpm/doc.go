// Package tpm is the TPM 2.0 provider. It reads and makes the original's keys in place:
// a key's id is the key, wrapped by a storage key that the TPM derives again at each start
// from a fixed template, docs/formats/tpm-keys.md. Whether it is the same TPM as before is
// decided by the Name of that storage key, kept in a RootStore.
//
// Commands run one at a time, each in a salted session that authenticates both directions
// and encrypts sized parameters; what needs no secret (exporting, verifying, encrypting) is
// computed in the agent. A few keys stay loaded, the longest unused makes room. When the
// TPM asks to try again that is done within bounds; when it was reset, or the way to it
// broke, it is opened again and the operation repeated once. Callers stop waiting with
// their context, but a command that was sent is awaited.
//
// A Provider may be called concurrently.
//
// It does not protect against who can use the TPM as the owner of the storage hierarchy
// and reads the key info manager: that is what makes existing keys usable. Authorisation
// values are in the key ids, as in the original, and are not wiped from memory. The first
// start trusts the TPM that answers; every later one proves that it is the same.
//
// Specification: docs/spec/parsec-service.md sections 4.4, 5.3 and 6.4.
package tpm
