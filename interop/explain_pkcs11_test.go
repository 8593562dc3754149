//go:build interop

package interop

var pkcs11Explanations = []explanation{}
