// Package attestation decides what a statement about a key of a TPM proves. It is pure:
// bytes in, verdict out; it needs no TPM and does no input or output. The formats and the
// whole protocol are in docs/formats/attestation.md.
//
// It promises that Verify never says more than what follows from the statement, the
// authorities that the verifier named, and a challenge that only the TPM of the statement
// can have answered: each claim is a Check of its own, and one that is refused or missing
// keeps the verdict from being Verified. Decoders are bounded and accept one encoding only.
//
// It does not ask anybody about revoked certificates, and it takes the word of an authority
// that a certified endorsement key lies in a TPM that works as specified.
//
// All functions may be called concurrently.
package attestation
