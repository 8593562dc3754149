// Package mpack reads and writes MessagePack as strictly as signed data deserves, on the
// primitives of tinylib/msgp. The codecs that use it are generated (trust/mpack/codecgen).
//
// A Reader works on bytes that are all there. Nothing that it is told to allocate exceeds a
// constant times the bytes that remain: counts are compared with them, lengths too, and what is
// skipped may nest only so deep. Missing and duplicate fields of a structure are errors, unknown
// fields are passed over. The first error stays; every later read returns a zero value.
//
// A Writer writes the shortest form and wipes what it outgrows, because it may hold keys.
//
// Neither may be used by two goroutines at once.
package mpack
