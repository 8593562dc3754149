// Package frame is the private protocol between the agent and parsec-pkcs11-helper: what
// docs/formats/pkcs11-helper.md says, in Go. A frame is a Request from the agent or a
// Response from the helper; requests carry an id that their response repeats, and a
// response with id 0 is an event that nobody asked for.
//
// Both sides come from one build and check it in the first exchange, so the format has one
// version and no extensions. It is nevertheless decoded like a foreigner's: the helper runs a
// vendor's library, which the agent does not trust. Every length and count is bounded
// before anything is allocated for it, trailing bytes are refused, and what is decoded
// encodes to the same bytes.
//
// Numbers of PKCS#11 (slots, mechanisms, attribute types, flags) are 64 bits wide here
// whatever CK_ULONG is; attribute values carry their kind so that only the helper knows the
// library's representation. Functions of the package may be called concurrently.
package frame
