// Package requesttest generates requests of the key service for tests: attributes ×
// algorithms × operations × faults, from a seed, so that a finding can be repeated.
//
// A Source keeps a picture of the keys that should exist, so that most operations meet a
// key that they fit, and learns from the answers it is told of. A Step is only bytes and
// who sends them; Mean says what the bytes mean by the rules of package psa.
//
// A Source belongs to one goroutine.
package requesttest
