package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"

	"golang.org/x/sys/unix"
)

// mode is that of every file: for the owner only.
const mode = 0o600

// leftover matches the temporary files of this package and nothing else.
var leftover = regexp.MustCompile(`^\.(.+)\.[0-9a-f]{16}\.tmp$`)

// Leftover reports whether a name is that of a temporary file, such as a crash leaves, and
// which name it would have got.
func Leftover(name string) (final string, ok bool) {
	m := leftover.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// Create makes a file with the content, mode 0600. An existing name is an error that is
// fs.ErrExist. The file is durable when Create returns nil and does not exist otherwise.
func (d *Dir) Create(name string, content []byte) error {
	if err := d.place(name, content, fsync); err != nil {
		return err
	}
	if err := d.sync(name); err != nil {
		return errors.Join(err, d.unlink(name))
	}
	return nil
}

// place gives a name to a temporary file.
func (d *Dir) place(name string, content []byte, settle func(fd int) error) error {
	temp, err := d.writeTemp(name, content, settle)
	if err != nil {
		return err
	}
	if err := d.renameNew(temp, name); err != nil {
		return errors.Join(d.fail("create", name, err), d.unlink(temp))
	}
	return nil
}

// Replace gives an existing name new content. The name is never absent. After an error
// it has the old content, unless the error is of the last step, the synchronisation of
// the directory: then it may have either after a crash.
func (d *Dir) Replace(name string, content []byte) error {
	temp, err := d.writeTemp(name, content, fsync)
	if err != nil {
		return err
	}
	if _, err := retry(func() (int, error) { return 0, unix.Renameat(d.fd(), temp, d.fd(), name) }); err != nil {
		return errors.Join(d.fail("rename", name, err), d.unlink(temp))
	}
	return d.sync(name)
}

// Rename gives a file another name, in the place of what had it before, durably. Neither name
// is ever without a whole file but the old one in the end. After an error of the last step, the
// synchronisation of the directory, a crash may undo it.
func (d *Dir) Rename(from, to string) error {
	if _, err := retry(func() (int, error) { return 0, unix.Renameat(d.fd(), from, d.fd(), to) }); err != nil {
		return d.fail("rename", from, err)
	}
	return d.sync(to)
}

// Remove removes a name, durably.
func (d *Dir) Remove(name string) error {
	if err := d.unlink(name); err != nil {
		return err
	}
	return d.sync(name)
}

// writeTemp writes a temporary file, has it settled, and returns its name.
func (d *Dir) writeTemp(name string, content []byte, settle func(fd int) error) (string, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	temp := "." + name + "." + hex.EncodeToString(random[:]) + ".tmp"
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd(), temp, flags, mode) })
	if err != nil {
		return "", d.fail("create", temp, err)
	}
	err = errors.Join(fill(fd, content), settle(fd))
	if e := unix.Close(fd); err == nil {
		err = e
	}
	if err != nil {
		return "", errors.Join(d.fail("write", temp, err), d.unlink(temp))
	}
	return temp, nil
}

func fill(fd int, content []byte) error {
	// A strange umask must not make a file that its owner cannot read.
	if err := unix.Fchmod(fd, mode); err != nil {
		return err
	}
	for len(content) > 0 {
		n, err := retry(func() (int, error) { return unix.Write(fd, content) })
		if err != nil {
			return err
		}
		content = content[n:]
	}
	return nil
}

func fsync(fd int) error {
	_, err := retry(func() (int, error) { return 0, unix.Fsync(fd) })
	return err
}

// renameNew renames without replacing; with two steps where the file system has no such
// call. A crash between the two leaves a temporary name beside the final one.
func (d *Dir) renameNew(temp, name string) error {
	_, err := retry(func() (int, error) {
		return 0, unix.Renameat2(d.fd(), temp, d.fd(), name, unix.RENAME_NOREPLACE)
	})
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	return d.linkNew(temp, name)
}

func (d *Dir) linkNew(temp, name string) error {
	if _, err := retry(func() (int, error) { return 0, unix.Linkat(d.fd(), temp, d.fd(), name, 0) }); err != nil {
		return err
	}
	_ = d.unlink(temp) // the file has its name; a left-over one is found at the next start
	return nil
}

func (d *Dir) unlink(name string) error {
	_, err := retry(func() (int, error) { return 0, unix.Unlinkat(d.fd(), name, 0) })
	return d.fail("remove", name, err)
}

func (d *Dir) sync(name string) error {
	_, err := retry(func() (int, error) { return 0, unix.Fsync(d.fd()) })
	return d.fail("synchronise", name, err)
}
