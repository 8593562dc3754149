// Package original imports organisations from the database of an original server, which is only read: rows by statements that give the
// columns of our tables, blocks from its block store. What was written is read again and compared.
//
// An organisation is imported whole or not at all: its blocks first, then its rows in one transaction. Secrets that the original keeps
// in the open are kept under the server's key.
package original
