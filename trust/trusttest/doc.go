// Package trusttest makes whole organisations for tests: everything that can happen to one in its life, with the certificates and
// what else the commands of a server carry with them. It is also a catalogue of forgeries.
//
// An Organisation is a model with rules of its own, so that what trust.Store says about its certificates is a judgement and not an
// echo. Life is random and the same for the same Options, but for RSA keys and the nonces of what is encrypted:
//
//	o := trusttest.New(trusttest.Options{Seed: 1, Users: 200, Realms: 20})
//	for e := range o.Life() {
//		// e.Command says which command carries e.Certificates
//	}
//	batch := o.Stream(o.Users()[3]).Batch()
//
// Tests that need a certain organisation call its methods instead: Found, Enrol, CreateRealm, Share and so on make one valid event
// each and panic where the rules forbid it, which is a mistake of the test.
//
// Forge makes a valid event wrong in one way at the present place of an organisation, and changes nothing of it.
//
// An Organisation is used by one goroutine; what it has made may be read by several.
package trusttest
