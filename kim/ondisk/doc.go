// Package ondisk is the key info manager of one small file per key, in place of the
// original's: the layout of docs/spec/parsec-service.md section 5.5, read and written so
// that the original can take the directory back at any time.
// docs/formats/key-info-managers.md describes its files and ours.
//
// # What is promised
//
// An entry is durable when Commit returns. An insert never replaces: a file is written
// under a temporary name, synchronised, then linked to its own name, so that it is whole
// or absent after a crash at any moment. Temporary files lie where the original ignores
// them. Entries that the original cannot parse are files of our own, likewise where it
// ignores files. Whatever the start-up checks refuse is left as it is.
//
// Application, kind of provider and key name are compared; the authenticator is not
// recorded. Key names have 1 to 189 bytes, less the length of the provider's prefix for
// the service's own entries.
//
// # Other programs
//
// One process owns a directory by a lock on DIRECTORY.lock beside it, which the original
// does not know. The agent's own process may open a directory several times; the openings
// share one state, and each sees it with its own authenticator and provider names. What
// another program changed meanwhile is never overwritten or removed: such a change is
// refused, and opening the store again takes in what is there.
//
// All entries are in memory; reads never touch the directory. A store may be used
// concurrently, holds two descriptors and starts no goroutine.
package ondisk
