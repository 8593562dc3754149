// Package directory keeps blocks in a directory, one file each, written as a whole and
// synchronised before they count. The layout is in docs/formats/blockstore.md.
//
// Several processes of one machine may use a directory at the same time. A crash at any
// instruction leaves blocks that are whole or absent, and temporary files, which List
// removes when they are a day old.
package directory
