// Package reference compares what we make of workspaces' data with the reference implementation, the module
// parsec._parsec of its Python server: each side reads what the other made, and both are given the same damaged
// bytes, on which they must agree to accept or refuse. All of it is in tests (build tag interop).
//
// Every disagreement that is meant is a row of docs/decisions/0042-stricter-than-the-reference.md. A disagreement without
// a row fails, and so does a row that a whole run (PARSEC_SOAK) never met.
package reference
