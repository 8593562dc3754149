package store

import (
	"errors"
	"strings"
)

// ErrTaken says that another process has the file of SQLite.
var ErrTaken = errors.New("another process has the database")

// File returns the path in the address of a SQLite database, empty for another database.
func File(address string) string {
	scheme, rest, _ := strings.Cut(address, ":")
	if scheme != "sqlite" {
		return ""
	}
	return strings.TrimPrefix(rest, "//")
}
