// Package authn decides who a request comes from.
//
// An Authenticator turns the authentication field of a request, and what the kernel says
// about the other end of the connection, into an application identity. A Set holds the
// configured ones, picks the one that a request names and says whether the caller is an
// administrator.
//
// Unix peer credentials (UnixPeer) and Direct are here; JWT-SVID is in package spiffe, for
// it brings gRPC with it.
//
// What is promised: no identity without an authenticator that vouched for it; every doubt
// is a refusal with StatusAuthenticationError; identities of two authenticators are never
// equal, for an Identity carries its authenticator's number and keys belong to both
// together; an administrator of one authenticator is nobody to another.
//
// What is not: Direct believes what it is told and is for tests. Administrators by group or
// by uid are decided on the process that opened the connection, whatever application it
// speaks for.
//
// All types may be used concurrently.
//
// Specification: docs/spec/parsec-service.md sections 1.2 (rows 12 and 13), 1.5 and 4.1.
package authn
