// Package original starts the original's programs, the real Parsec service 1.4.1 and
// parsec-tool 0.7.0 of Debian 13, from the tree that the script interop/peers makes. It
// takes root and the Debian package debootstrap.
package original
