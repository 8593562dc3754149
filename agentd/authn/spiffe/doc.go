// Package spiffe authenticates by JWT-SVID: the authentication field is a JWT in compact
// serialisation, the application is the SPIFFE ID that it was issued to. It is a room of
// its own because it brings gRPC with it.
//
// As in the original, every token of every request is judged by the SPIFFE Workload API
// (ValidateJWTSVID, audience "parsec") at the configured endpoint. Nothing is cached: a key
// that the SPIFFE provider revokes is revoked here with the next request, and when the
// endpoint is gone, nobody authenticates. docs/decisions/0009-jwt-svid-validation.md says why
// the signature is not verified here instead.
//
// What is promised: the identity is the subject of a token that the Workload API accepted,
// for audience "parsec", unexpired by this machine's clock too (one minute of leeway),
// signed with an asymmetric algorithm. A token that cannot pass is refused without asking.
// Tokens are never logged nor repeated in errors, but they are not wiped either: the
// libraries hold them as strings.
//
// What is not: the Workload API is trusted completely; whoever can put a socket at the
// endpoint's path can be everybody. A token is a bearer token: whoever can read it can
// use it until it expires.
//
// Specification: docs/spec/parsec-service.md section 1.5, SPIFFE Workload API and JWT-SVID.
package spiffe
