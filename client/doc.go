// Package client is the typed client of the key service's socket that every frontend
// uses. It speaks to this agent and to the original service alike.
//
//	c, err := client.Dial(ctx, client.Options{})
//	if err != nil { … }
//	defer c.Close()
//	err = c.GenerateKey(ctx, "web/tls", attributes)
//	key, err := c.Key(ctx, "web/tls") // a crypto.Signer
//
// What it promises:
//
//   - A request is sent at most once, unless it is certain that the service has not seen
//     it whole, or repeating it changes nothing.
//   - Every answer is bounded (Options.MaxResponse) and every wait ends with the context
//     or with Options.Timeout. A request whose wait ended early may still be carried out.
//   - Errors that the service reports are *wire.Error, so that
//     errors.Is(err, wire.StatusDoesNotExist) works; a service that cannot be reached or
//     was lost is *ConnectionError, one that speaks nonsense *ProtocolError.
//   - Frames that held keys, plaintext or passphrases are overwritten after use. What a
//     method returns is the caller's to wipe.
//
// Connections are kept and used again where the service grants it (docs/spec/parsec-service.md
// section 1.3 and docs/spec/parsec-agent.md); from the first whole answer that does not,
// the client opens one connection per request, as the original's clients do. What only
// this agent can do is then refused here with StatusNotSupported, before anything is sent.
//
// A Client may be used by any number of goroutines at once. It keeps no goroutine.
package client
