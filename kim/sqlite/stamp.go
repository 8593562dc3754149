package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Offsets in the header of a SQLite file (sqlite.org/fileformat2.html, section 1.3).
const (
	headerSize    = 100
	headerMagic   = "SQLite format 3\x00"
	offsetWriting = 18
	offsetReading = 19
	offsetCounter = 24
	rollback      = 1
)

// counter returns the file change counter: every transaction that changes the file adds
// one, whoever makes it. It is read through a descriptor of our own, and means something
// only while SQLite holds a lock for us. An empty file is a database whose counter is 0.
func counter(f *os.File) (uint32, error) {
	var h [headerSize]byte
	n, err := f.ReadAt(h[:], 0)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return 0, nil
	case err != nil && !errors.Is(err, io.EOF):
		return 0, fmt.Errorf("cannot read the header: %w", err)
	case n < headerSize || string(h[:len(headerMagic)]) != headerMagic:
		return 0, refusal("restore a backup", "it is no SQLite database")
	case h[offsetWriting] != rollback || h[offsetReading] != rollback:
		// With a write-ahead log the counter says nothing.
		return 0, refusal("run sqlite3 FILE 'PRAGMA journal_mode=DELETE'", "its journal mode is not the original service's rollback journal")
	}
	return binary.BigEndian.Uint32(h[offsetCounter:]), nil
}

// replaced reports whether path is no longer the file that f is open on.
func replaced(path string, f *os.File) bool {
	there, err := os.Stat(path)
	if err != nil {
		return true
	}
	here, err := f.Stat()
	return err != nil || !os.SameFile(there, here)
}
