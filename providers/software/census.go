package software

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/rootkey"
)

// census counts encrypted key files by root key.
type census struct {
	encrypted map[rootkey.ID]int
	unknown   int // files that cannot be read or are of a newer version
}

func (c census) String() string {
	var parts []string
	for id, n := range c.encrypted {
		parts = append(parts, fmt.Sprintf("%d key files encrypted under root key %s", n, id))
	}
	slices.Sort(parts)
	return strings.Join(parts, " and ")
}

// census looks at the heads of the newest files, all of them if limit is 0, and stops
// early at a file for whose root key enough is true.
func (s *store) census(limit int, enough func(rootkey.ID) bool) (census, error) {
	names, err := s.dir.Names()
	if err != nil {
		return census{}, err
	}
	ids := keyIDs(names)
	if limit > 0 && len(ids) > limit {
		ids = ids[len(ids)-limit:]
	}
	found := census{encrypted: map[rootkey.ID]int{}}
	for _, id := range slices.Backward(ids) {
		b, err := s.head(id)
		if errors.Is(err, fs.ErrNotExist) || err == nil && keyfile.DetectForm(b) != keyfile.FormEncrypted {
			continue
		}
		head, parseErr := keyfile.ParseHead(b)
		if err != nil || parseErr != nil {
			found.unknown++
			continue
		}
		found.encrypted[head.RootKey]++
		if enough != nil && enough(head.RootKey) {
			break
		}
	}
	return found, nil
}

// head returns the first bytes of a key file.
func (s *store) head(id keyID) ([]byte, error) {
	f, err := s.dir.OpenFile(id.fileName())
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Head(keyfile.HeadSize)
}
