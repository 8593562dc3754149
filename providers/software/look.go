package software

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// Contents are what a key store holds.
type Contents struct {
	// Keys counts key files, of this agent and of the original.
	Keys int
	// RootKey is true if there is a root key, sealed or not.
	RootKey bool
}

// Look tells what lies in a directory of keys without opening it; nothing lies in one that
// is not there.
func Look(dir string) (Contents, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Contents{}, fmt.Errorf("cannot look into key store %s: %w", dir, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return Contents{Keys: len(keyIDs(names)), RootKey: slices.Contains(names, rootKeyFile) || slices.Contains(names, sealedFile)}, nil
}
