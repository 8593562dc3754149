package store

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ErrTaken says that another process has the file of SQLite.
var ErrTaken = errors.New("another process has the database")

// private makes the file, so that SQLite does not make one that others may read.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the administrator's path
	if err != nil {
		return fmt.Errorf("cannot open the store: %w", err)
	}
	return f.Close()
}

// File returns the path in the address of a SQLite database, empty for another database.
func File(address string) string {
	scheme, rest, _ := strings.Cut(address, ":")
	if scheme != "sqlite" {
		return ""
	}
	return strings.TrimPrefix(rest, "//")
}
