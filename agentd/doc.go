// Package agentd is the agent: it listens, identifies callers, decides what they may do,
// and wires authenticators, key info managers and providers together. What a frame is, is
// said in proto/wire; what a key is, in proto/psa; the agent owns the operation table, the
// identity of keys and the order of checks of docs/spec/parsec-service.md section 1.2.
//
// A Service serves any number of connections concurrently. Its configuration is one
// immutable backend behind a pointer: Load builds a new one and swaps it in, requests that
// run finish on the old one, which is closed when the last of them ends.
//
// One table (operations.go) lists every operation with its access rule; what is not in the
// table does not exist. Every request ends in exactly one audit record.
//
// What a caller can cost is bounded per uid (limits.go): connections, requests at work and
// bytes of bodies. One deadline covers the reading of a whole frame, so a slow writer
// holds its own connection only.
package agentd
