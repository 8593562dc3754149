package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Names of device files. The original client lists what ends in keysSuffix and nothing else.
const (
	keysSuffix     = ".keys"
	newSuffix      = ".new"      // behind .keys: the file under the new protection, until it is confirmed
	importSuffix   = ".import"   // behind .keys: a device that came, until the program that had it gave it up
	exportedSuffix = ".exported" // behind .keys: a device that another program has now

	devicesDir = "devices"
	inUseDir   = "in_use_devices"

	maxFiles = 1024
	maxDepth = 8
)

// files is what is done with a directory of device files.
type files interface {
	Names() ([]string, error)
	Read(name string) ([]byte, error)
	Create(name string, content []byte) error
	Replace(name string, content []byte) error
	Rename(from, to string) error
	Remove(name string) error
	Close() error
}

// onDisk is files in a directory.
type onDisk struct{ *durable.Dir }

// Read returns a whole file.
func (d onDisk) Read(name string) ([]byte, error) {
	f, err := d.OpenFile(name)
	if err != nil {
		return nil, err
	}
	b, err := f.Read(maxFile)
	return b, errors.Join(err, f.Close())
}

func openFiles(path string) (files, error) {
	d, err := durable.Open(path)
	if err != nil {
		return nil, err
	}
	return onDisk{d}, nil
}

// place is a directory with devices and their lock files: the store's own, or the original client's.
type place struct {
	root     string
	original bool
}

func (p place) devices() string { return filepath.Join(p.root, devicesDir) }

// prepare makes the directories.
func (p place) prepare() error { return durable.MakeAll(p.devices()) }

// directories lists those that may hold device files, in order. The original looks into sub-folders too.
func (p place) directories() ([]string, error) {
	if !p.original {
		return []string{p.devices()}, nil
	}
	var all []string
	err := filepath.WalkDir(p.devices(), func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case len(all) >= maxFiles || strings.Count(strings.TrimPrefix(path, p.devices()), string(filepath.Separator)) > maxDepth:
			return fs.SkipDir
		}
		all = append(all, path)
		return nil
	})
	return all, err
}

// names returns the names of a directory in order; one that does not exist has none.
func names(f files) ([]string, error) {
	all, err := f.Names()
	slices.Sort(all)
	return all[:min(len(all), maxFiles)], err
}

// hold takes the lock file of a device, which another program that runs the device has.
func (p place) hold(id trust.DeviceID) (*os.File, error) {
	dir := filepath.Join(p.root, inUseDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, id.String()), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600) //nolint:gosec // the name is an id
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// full reports whether an error tells of a disk without room.
func full(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// absent reports whether an error tells of what is not there.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
