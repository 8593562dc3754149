// Package software is the provider whose keys are files: the successor of the original's
// Mbed Crypto provider, under its number, UUID and key formats
// (docs/spec/parsec-service.md 5.4 and 6.2).
//
// It promises: a key that was acknowledged survives a crash; a key file is never
// overwritten by another key, and nothing is deleted because something else is missing; new
// keys are encrypted under the root key unless configured otherwise, and the original's
// plaintext files are read in place (docs/formats/key-file.md, docs/formats/root-key.md);
// damaged, foreign or unsafe files are refused with a reason. It does not protect keys from
// who has the agent's account or memory.
//
// Used keys stay in memory, the most recently used ones up to Options.CacheKeys, and are
// wiped as far as the standard library's types allow when they leave. Nothing runs while
// nobody calls: there are no timers and no goroutines.
//
// A Provider may be used concurrently. A key store belongs to one process; the providers in
// it that use one directory share its lock and its ids (see Open).
package software
