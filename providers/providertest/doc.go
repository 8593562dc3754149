// Package providertest is the conformance suite of providers. A provider's test calls Run
// with a Config that opens it and declares what it cannot do; the suite asks the provider
// which keys it can make (providers.Advisor), makes each kind, uses it in every way that the
// provider implements, checks results against the standard library where that is possible,
// and destroys it. What a provider refuses without having declared it fails, and so does a
// declared gap that is none. A provider that makes no keys is given such as lie in its
// storage (Config.Provision); it must then say that it makes and removes none.
//
// Exercise alone serves tests that have a key from elsewhere, such as a stored one.
package providertest
