// Package server is the metadata server of workspaces: organisations, certificates, encrypted vlobs and blocks, invitations and
// events, for clients that speak the protocol of docs/spec/parsec-cloud-rpc.md. It is trusted with nothing: it reads certificates, and
// never content or names. What it must refuse, it refuses as the original does.
//
// docs/server.md says how it is built and where a command is added.
package server
