// Package sqlite is the key info manager in one SQLite file, in place of the original's:
// schema version 1 of docs/spec/parsec-service.md section 5.2, read and written so that
// the original can take the file back at any time. docs/formats/key-info-managers.md
// describes both its tables and ours.
//
// # What is promised
//
// An entry is durable when Commit returns, also through a power failure (rollback
// journal, synchronous EXTRA). An insert never replaces. Rows of providers that are not
// configured, or not known, are kept and loaded. Entries that the original cannot parse
// live in tables of our own, made when the first is needed; names are unique over both.
// Whatever the start-up checks refuse is left as it is.
//
// Authenticator, application and name are compared; the provider is not.
//
// # Memory and files
//
// All rows are in memory; reads never touch the file. SQLite has the file open only while
// there is something to write; concurrent writes share one transaction. Between writes a
// store holds one descriptor, its lock, and nothing that ever wakes up.
//
// # Other programs
//
// One process owns a file by a lock on FILE.lock, which the original does not know. The
// agent's own process may open a file several times and gets one shared store. When
// another program has written the file, the next write is refused before it changes
// anything, since memory and file disagree; opening the store again, which a reload of
// the agent does, takes the changes in. Nothing else in the process may open the database
// file: POSIX drops SQLite's locks when any descriptor of it is closed.
//
// A store may be used concurrently.
package sqlite
