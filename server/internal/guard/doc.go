// Package guard stands between the network and a server's handlers: who a request comes
// from when proxies are in between, how much each may ask for, how long they may take, and
// certificates that change while the server runs.
//
// What is too much is answered 503 with Retry-After, never 429, which stops existing
// clients for good. Everything that grows with peers is bounded.
package guard
