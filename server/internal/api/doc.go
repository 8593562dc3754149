// Package api is the face of the server: routes, headers, versions, authorisation, and which status of HTTP a failure is, in the
// order of docs/spec/parsec-cloud-rpc.md section 1.5. What a command does is the matter of package rules.
package api
