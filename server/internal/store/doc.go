// Package store keeps what the metadata server knows, in SQLite or in PostgreSQL, behind one small
// interface: statements are written once, in the SQL that both speak, with $1 for arguments.
//
// # Transactions
//
// Read runs a function on one consistent state; Write runs it alone among those that hold the same
// locks, and makes everything that it wrote durable, or nothing. A function that returns an error
// leaves no trace. It must not wait for anything but the store, nor start goroutines that use the
// transaction: on SQLite all writers stand behind it, and many share one commit.
//
// On PostgreSQL locks are advisory ones of the transaction. They are taken before the first
// statement, in one order for everybody, so that nobody waits in a circle; a function that only
// finds out inside which it needs may take further ones of a higher kind (see Lock). On SQLite the
// single writer excludes more than any lock asks for, and locks cost nothing.
//
// # Messages
//
// Emit hands a message to all processes on the store when, and only when, the transaction commits;
// those of one process arrive in the order of commits. After a gap (PostgreSQL's connection was
// lost) Gap is delivered first: receivers must forget what they derived from messages.
//
// # Types
//
// An id is 16 bytes, a moment is its microseconds, a truth value is 0 or 1. Scanners of this
// package read them into the types of trust.
package store
