package directory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// The marker is a file that says what the directory is. Its name is no organisation's.
const (
	marker  = ".format"
	version = "parsec-agent block directory 1\n"
)

// atOnce bounds the operations that are at work, for each takes a thread.
const atOnce = 64

// Store is an open directory.
type Store struct {
	path    string
	root    *durable.Dir
	slots   chan struct{}
	folders sync.Map // folder → struct{}: those whose names are durable
}

var (
	_ blocks.Store  = (*Store)(nil)
	_ blocks.Opener = (*Store)(nil)
)

// Open opens the directory, and makes it where only its parent exists. A directory with
// other things in it is refused.
func Open(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makeRoot(path); err != nil {
		return nil, fmt.Errorf("cannot make the block directory: %w", err)
	}
	root, err := durable.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the block directory: %w", err)
	}
	if err := identify(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &Store{path: path, root: root, slots: make(chan struct{}, atOnce)}, nil
}

func makeRoot(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err // its parent need not be writable
	}
	parent, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(parent.MakeDir(filepath.Base(path)), parent.Close())
}

// identify reads the marker, and writes it where nothing is yet.
func identify(root *durable.Dir) error {
	err := readMarker(root)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	names, err := root.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if final, ok := durable.Leftover(name); name != marker && (!ok || final != marker) {
			return fmt.Errorf("%s is no block directory: it has %q and no file %s", root.Path(), name, marker)
		}
	}
	// Another process that starts at the same time writes the same.
	if err := root.Create(marker, []byte(version)); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write to the block directory: %w", err)
	}
	return readMarker(root)
}

func readMarker(root *durable.Dir) error {
	f, err := root.OpenFile(marker)
	if err != nil {
		return err
	}
	head, err := f.Head(len(version) + 1)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if string(head) != version {
		return fmt.Errorf("%s has format %.40q, this program knows %q", root.Path(), head, version)
	}
	return nil
}
