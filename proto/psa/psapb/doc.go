// Package psapb is generated from psa.proto by `make generate`: the protobuf messages of
// the key operations. Package psa decodes and validates them; use it, not this.
package psapb
