// Package option reads where blocks are kept, as the original's --blockstore says it
// (docs/spec/parsec-cloud-rpc.md 4.2), and opens it. In addition it knows
// directory:<path>, which the original lacks; what it lacks itself it refuses by name.
//
// Texts hold secret keys. Errors name what is wrong and where, and never quote a text.
package option
