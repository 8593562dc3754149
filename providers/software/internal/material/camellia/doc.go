// Package camellia implements the block cipher of RFC 3713 as a cipher.Block, for keys of
// the Parsec service. It exists because neither the standard library nor golang.org/x/crypto has it;
// choose AES for anything new.
//
// Promised: constant time. The usual implementations look bytes up in tables, whose cache
// lines tell the key; this one computes the substitution as what it is, an inversion in
// GF(2⁸) between two affine maps, on the eight bytes of a half block at once. The price is
// speed: some megabytes per second, enough for the requests of a key service.
//
// A Cipher is immutable and safe for concurrent use. Its expanded key lives on the heap
// until Wipe.
package camellia
