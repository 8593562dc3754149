// Package outfile writes result files: whole or not at all, never over an existing file
// without being told to, and readable by the owner alone where they hold secrets.
//
// A File is written beside its destination under a temporary name and gets its own name,
// in one step, when it is committed. It is for one goroutine.
package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Options of a file.
type Options struct {
	// Secret gives mode 0600 instead of 0666 less the umask.
	Secret bool
	// Force permits to replace an existing regular file.
	Force bool
}

// File is a file that is being written.
type File struct {
	*os.File
	path string
	opts Options
}

// Create begins a file. It fails at once when the destination exists and must not be
// replaced.
func Create(path string, opts Options) (*File, error) {
	if info, err := os.Lstat(path); err == nil {
		switch {
		case info.IsDir():
			return nil, fmt.Errorf("cannot write %s: it is a directory", path)
		case !opts.Force:
			return nil, exists(path)
		}
	}
	// CreateTemp makes 0600; only what is no secret is opened up, as the umask allows.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	if !opts.Secret {
		if err := f.Chmod(0o666 &^ umask()); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot write %s: %w", path, cause(err)), f.Close(), os.Remove(f.Name()))
		}
	}
	return &File{File: f, path: path, opts: opts}, nil
}

func exists(path string) error {
	return fmt.Errorf("%s exists already: choose another name, or replace it with --force", path)
}

func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	if l, ok := errors.AsType[*os.LinkError](err); ok {
		return l.Err
	}
	return err
}

// Commit makes the file durable and gives it its name.
func (f *File) Commit() error {
	err := f.Sync()
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = f.publish()
	}
	if err != nil {
		f.Discard()
		if errors.Is(err, fs.ErrExist) {
			return exists(f.path)
		}
		return fmt.Errorf("cannot write %s: %w", f.path, cause(err))
	}
	if d, err := os.Open(filepath.Dir(f.path)); err == nil {
		_ = d.Sync() // the name is there; some file systems cannot sync directories
		_ = d.Close()
	}
	return nil
}

// publish gives the file its name. A link, unlike a rename, never replaces: who makes a
// file of that name in the meantime keeps it.
func (f *File) publish() error {
	if f.opts.Force {
		return os.Rename(f.Name(), f.path)
	}
	err := os.Link(f.Name(), f.path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		_ = os.Remove(f.Name())
		return err
	}
	// Some file systems have no links; what remains is a window between look and rename.
	if _, err := os.Lstat(f.path); err == nil {
		return fs.ErrExist
	}
	return os.Rename(f.Name(), f.path)
}

// Discard gives up a file that is not committed. After Commit it does nothing.
func (f *File) Discard() {
	_ = f.Close()           // closed already after a commit
	_ = os.Remove(f.Name()) // gone already after a commit
}

// Write writes a whole file.
func Write(path string, data []byte, opts Options) error {
	f, err := Create(path, opts)
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, cause(err))
	}
	return f.Commit()
}
