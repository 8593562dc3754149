// Package stream sends what happens to those who listen, thousands at a time, for as long as they like.
//
// What a listener costs is what matters here. Over HTTP/1.1 a stream takes the connection over and its handler returns, so that what net/http has for a
// connection goes away: two goroutines with grown stacks, buffers, the request. What stays is one goroutine with a small stack that waits in a read of the
// connection. The read ends when the peer goes; frames and the end of a silence end it by its deadline. HTTP/2, and what is no connection, are answered by the
// handler itself.
//
// Whoever counts open responses hears of the end of one that outlives its handler through Lasting. Everything may be used concurrently.
package stream
