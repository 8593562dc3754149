// Package backup copies what a server has while it runs, and puts it back into an empty place. The format is
// docs/formats/server-backup.md: the same for both databases, so that either is restored from a backup of the other.
//
// Take reads the rows on one state of the database, then copies the blocks that they name, which are kept from being removed meanwhile.
// Restore believes nothing: it reads a backup whole, rows and blocks, before it writes the first row, and all rows become visible at once.
//
// Secrets stay sealed under the server's key, which is in no backup. A backup is not encrypted otherwise: it shows what the database shows.
package backup
