// Package archive is the format of backups: the keys of an agent with names, owners and
// attributes, encrypted to a passphrase.
//
// An archive is an age file with a scrypt recipient around lines of JSON: a manifest, one
// record per key, an end with counts and a digest. docs/formats/backup.md is the format,
// docs/decisions/0008-backup-format.md the reason for it.
//
// What is promised: without the passphrase an archive says nothing but its size; a changed,
// shortened or extended archive is refused as a whole, and a Reader yields its first record
// only after it has verified all of them; what is read is bounded in time and memory by
// constants of this package, whatever the archive says.
//
// What is not: the passphrase is only as good as it is. Key material is wiped from the
// buffers of this package, but age keeps one 64 KiB chunk of it and the passphrase in memory
// of its own until the garbage collector has reused it. An older archive of the same agent
// is an archive too.
//
// Writer and Reader are not for concurrent use; several of each may exist, and derive their
// keys one after the other because each derivation takes 128 MiB.
package archive
