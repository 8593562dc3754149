//go:build interop

package interop

var tpmExplanations = []explanation{}
