// Package agentpb is generated from agent.proto by `make generate`: the messages of
// package proto/agent.
package agentpb
