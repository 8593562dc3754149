package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// Names in the directory of a backup.
const (
	metadataName = "metadata"
	blocksName   = "blocks"
	// partialSuffix is what a file has behind its name until the backup is whole.
	partialSuffix = ".partial"
)

// place is where a backup is being made.
type place struct {
	dir  *durable.Dir
	name string
	// path is where blocks go, with a directory.
	path string
	file *os.File
}

// occupy begins a backup, or goes on with one that was interrupted. A place with other things in it is refused.
func occupy(path string, directory bool) (_ *place, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	p := &place{path: path, name: metadataName}
	if directory {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("cannot make the backup: %w", err)
		}
	} else {
		p.path, p.name = filepath.Dir(path), filepath.Base(path)
	}
	if p.dir, err = durable.Open(p.path); err != nil {
		return nil, fmt.Errorf("cannot make the backup: %w", err)
	}
	if err = p.vacant(directory); err == nil {
		err = p.open()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make the backup in %s: %w", path, err), p.dir.Close())
	}
	return p, nil
}

func (p *place) vacant(directory bool) error {
	names, err := p.dir.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case name == p.name:
			return errors.New("there is one already: each backup gets a place of its own")
		case directory && name != blocksName && name != p.name+partialSuffix:
			return fmt.Errorf("it has %q, which is of no backup", name)
		}
	}
	return nil
}

// open takes the file that has the rows, which one process has at a time.
func (p *place) open() error {
	f, err := os.OpenFile(filepath.Join(p.path, p.name+partialSuffix), os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.Join(errors.New("another process makes one there"), f.Close())
	}
	if err := f.Truncate(0); err != nil {
		return errors.Join(err, f.Close())
	}
	p.file = f
	return nil
}

// publish makes the backup one that counts.
func (p *place) publish() error { return p.dir.Rename(p.name+partialSuffix, p.name) }

func (p *place) close() error { return errors.Join(p.file.Close(), p.dir.Close()) }
