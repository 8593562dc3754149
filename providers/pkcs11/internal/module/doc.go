// Package module is the inside of parsec-pkcs11-helper: it loads one PKCS#11 library and
// does what the agent asks of it in frames (docs/formats/pkcs11-helper.md). It is the only
// code of the agent that runs a vendor's, and therefore a process of its own: what the
// library breaks, it breaks here.
//
// It knows no policy. It keeps sessions and object handles, because both are mechanics of
// the library: a pool of sessions for each open slot, and, for each pool, the handles of the
// objects that were looked up. When the sessions are gone, so are the handles; a handle
// never outlives the sessions that it was found in. Login, retries, templates and the
// meaning of errors are the agent's.
//
// Requests run concurrently, as many as there are sessions; a library that cannot be used
// by several threads gets one call at a time. It protects nothing from the library, which
// shares its memory. The PIN and the plaintexts that pass through are not wiped from the
// C heap.
package module
