package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Dir is an open directory.
type Dir struct {
	path string
	f    *os.File
	id   Identity
}

// Identity names a directory whatever its path.
type Identity struct {
	Device, Inode uint64
}

// Open opens the directory at path, which must exist.
func Open(path string) (*Dir, error) {
	return openDir(unix.AT_FDCWD, path, path, 0)
}

// OpenDir opens a directory in the directory; a link to one is not followed.
func (d *Dir) OpenDir(name string) (*Dir, error) {
	return openDir(d.fd(), name, filepath.Join(d.path, name), unix.O_NOFOLLOW)
}

// MakeDir makes a directory in the directory, for its owner only, if it is absent. Its
// name is durable when MakeDir returns nil, whoever made it.
func (d *Dir) MakeDir(name string) error {
	_, err := retry(func() (int, error) { return 0, unix.Mkdirat(d.fd(), name, 0o700) })
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return d.fail("create", name, err)
	}
	return d.sync(name)
}

func openDir(at int, name, path string, flags int) (*Dir, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	d := &Dir{path: path, f: os.NewFile(uintptr(fd), path)}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, errors.Join(d.fail("stat", "", err), d.Close())
	}
	d.id = Identity{Device: uint64(st.Dev), Inode: st.Ino} //nolint:unconvert,nolintlint // Dev has 32 bits on some machines
	return d, nil
}

// MakeAll makes a directory, and those above it that are missing, for the owner only. Its name is durable when MakeAll
// returns nil, whoever made it.
func MakeAll(path string) error {
	err := os.Mkdir(path, 0o700)
	above := filepath.Dir(path)
	if errors.Is(err, fs.ErrNotExist) && above != path {
		if err := MakeAll(above); err != nil {
			return err
		}
		err = os.Mkdir(path, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := Open(above)
	if err != nil {
		return err
	}
	return errors.Join(d.sync(filepath.Base(path)), d.Close())
}

// Path returns the path that the directory was opened with.
func (d *Dir) Path() string { return d.path }

// Identity returns the device and inode of the directory.
func (d *Dir) Identity() Identity { return d.id }

// Stat describes the directory itself.
func (d *Dir) Stat() (fs.FileInfo, error) { return d.f.Stat() }

// Lock takes the exclusive lock of the directory. It does not wait: when another open
// file has the lock, the error is unix.EWOULDBLOCK. Close gives the lock up.
func (d *Dir) Lock() error {
	_, err := retry(func() (int, error) { return 0, unix.Flock(d.fd(), unix.LOCK_EX|unix.LOCK_NB) })
	return d.fail("lock", "", err)
}

// Names lists the directory in no order.
func (d *Dir) Names() ([]string, error) {
	// A second open file, for the position of a directory belongs to the open file.
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, d.fail("open", "", err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// Close closes the directory.
func (d *Dir) Close() error { return d.f.Close() }

func (d *Dir) fd() int { return int(d.f.Fd()) }

// fail makes a PathError of an errno; nil stays nil.
func (d *Dir) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: filepath.Join(d.path, name), Err: err}
}

// retry repeats a system call that a signal interrupted, as some file systems let it be.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
