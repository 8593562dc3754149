// Package socket speaks single frames to a service's socket, to this agent and the
// original alike, for tests and benchmarks that must send what no client would: broken
// frames, any header, as any user.
//
// A Conn belongs to one goroutine. Functions may be called concurrently.
package socket
