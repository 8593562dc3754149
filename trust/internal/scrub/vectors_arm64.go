package scrub

// clearVectors overwrites the vector registers, in which bytes are copied and ciphers work.
//
//go:noescape
func clearVectors()
