// Package device keeps the devices of one person: the secrets with which a program takes part in an organisation, in
// files that nothing but the right secret opens.
//
// A Store has the devices of one person. Its own files, and those of the original client that it may use in place, are in
// the original's form where that has a word for the protection (password, recovery passphrase, X.509 certificate), and in
// ours (docs/formats/device-file.md) where a provider key takes part. Files are written whole or not at all; a change of
// protection leaves both protections on disk until the new one has opened the device once, so that a crash at any
// instruction, a mistyped password or a token that does not work leaves a device that opens.
//
// An unlocked device is in memory only, its long-lived keys in memory that is locked and kept out of core dumps, until it
// is locked, the store is closed, or nobody used it for the idle limit. While it is unlocked its lock file is held, that
// of the original client too where the store knows its directory: no second program runs it.
//
// Attempts to open are made one at a time for each person, cost a bounded amount of memory over all persons, and have to
// wait longer after each wrong secret. A restart forgets the wrong ones.
//
// Not wiped are what package trust names and the state of BLAKE2b inside of Argon2id, which keeps a short password until
// its memory is used again. Not protected against: who can read the files and
// guess the password, as far as no provider key takes part, and who controls the machine while a device is unlocked.
//
// All methods may be called concurrently. Errors are *wire.Error with what to do, and wrap one of the sentinels below
// where a caller may want to tell.
package device
