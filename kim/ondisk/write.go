package ondisk

import (
	"context"
	"crypto/rand"
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/kim/internal/index"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// errChanged: the memory is older than the directory.
var errChanged error = &wire.Error{
	Status: wire.StatusKeyInfoManagerError,
	Reason: "another program has changed the directory of the key info manager; nothing was written",
	Remedy: "end the other program, then reload the agent",
}

// insert makes the file of an entry whose key is reserved.
func (d *directory) insert(ctx context.Context, k index.Key, e kim.Entry) error {
	name, content, err := place(k, e)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.writing.RLock()
	defer d.writing.RUnlock()
	if _, there := d.index.Get(k); there {
		return kim.ErrExists // another program was faster, and a reload has seen it
	}
	if err := d.unchanged(); err != nil {
		return err
	}
	if err := d.makeDirs(path.Dir(name)); err != nil {
		return fault("make a directory for the key", err)
	}
	if err := d.link(name, content); err != nil {
		return err
	}
	d.index.Put(k, e)
	return nil
}

// link writes a file that must not exist yet, whole or not at all.
func (d *directory) link(name string, content []byte) error {
	temp, err := d.writeTemporary(content)
	if err != nil {
		return fault("write the key's file", err)
	}
	err = d.root.Link(temp, name)
	_ = d.root.Remove(temp) // else swept at the next start
	if errors.Is(err, fs.ErrExist) {
		return errChanged
	}
	if err != nil {
		return fault("name the key's file", err)
	}
	if err := d.sync(path.Dir(name)); err != nil {
		// Whether it lasts is unknown, so it shall not.
		return errors.Join(fault("make the key's file durable", err), d.root.Remove(name))
	}
	return nil
}

func (d *directory) update(ctx context.Context, k index.Key, e kim.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer d.lock(k)()
	name, err := d.current(k)
	if err != nil {
		return err
	}
	there, _ := d.index.Get(k) // current has seen it
	e.Adopted = there.Adopted
	target, content, err := place(k, e)
	if err != nil {
		return err
	}
	if target != name {
		return wire.Errorf(wire.StatusNotSupported, "key %q cannot become one of another type", k.Name)
	}
	temp, err := d.writeTemporary(content)
	if err != nil {
		return fault("write the key's file", err)
	}
	if err := d.root.Rename(temp, name); err != nil {
		_ = d.root.Remove(temp) // else swept at the next start
		return fault("replace the key's file", err)
	}
	d.index.Put(k, e)
	return fault("make the key's file durable", d.sync(path.Dir(name)))
}

func (d *directory) remove(ctx context.Context, k index.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer d.lock(k)()
	name, err := d.current(k)
	if err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil {
		return fault("remove the key's file", err)
	}
	d.index.Remove(k)
	return fault("make the removal of the key's file durable", d.sync(path.Dir(name)))
}

// lock keeps other changes of an existing entry, and exchanges of the directory, away
// until the returned function is called.
func (d *directory) lock(k index.Key) (unlock func()) {
	stripe := &d.stripes[maphash.Comparable(d.seed, k)%uint64(len(d.stripes))]
	d.writing.RLock()
	stripe.Lock()
	return func() {
		stripe.Unlock()
		d.writing.RUnlock()
	}
}

// current returns the path of an entry's file, after it has seen that the file still says
// what memory does.
func (d *directory) current(k index.Key) (string, error) {
	e, ok := d.index.Get(k)
	if !ok {
		return "", kim.ErrNotFound
	}
	if err := d.unchanged(); err != nil {
		return "", err
	}
	name, _, err := place(k, e)
	if err != nil {
		return "", err
	}
	there, err := d.parse(name, k)
	if errno, ok := errors.AsType[unix.Errno](err); ok && errno != unix.ENOENT {
		return "", fault("read the key's file", err)
	}
	if err != nil || string(there.KeyID) != string(e.KeyID) || there.Attributes != e.Attributes || there.Adopted != e.Adopted {
		return "", errChanged
	}
	return name, nil
}

func (d *directory) parse(name string, k index.Key) (e kim.Entry, err error) {
	b, err := readFile(d.root, name)
	if err != nil {
		return e, err
	}
	if name == ourPath(k) {
		return parseOurs(b)
	}
	e.KeyID, e.Attributes, err = parseOriginal(b)
	return e, err
}

// unchanged sees whether the directory is still the one at its path.
func (d *directory) unchanged() error {
	there, err := os.Stat(d.path)
	if err != nil {
		return errChanged
	}
	here, err := d.root.Stat(".")
	if err != nil || !os.SameFile(there, here) {
		return errChanged
	}
	return nil
}

// makeDirs makes the directories of a path, durably. A directory that another insert is
// making is waited for, since it counts only when it is durable.
func (d *directory) makeDirs(dir string) error {
	d.making.Lock()
	defer d.making.Unlock()
	var made string
	for name := range strings.SplitSeq(dir, "/") {
		parent := made
		made = path.Join(made, name)
		err := d.root.Mkdir(made, 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := d.sync(path.Join(".", parent)); err != nil {
			return errors.Join(err, d.root.Remove(made))
		}
	}
	return nil
}

// writeTemporary writes a durable file at the top of the directory, where the original
// ignores files.
func (d *directory) writeTemporary(content []byte) (string, error) {
	name := temporary + rand.Text()
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, d.root.Remove(name))
	}
	return name, nil
}

func (d *directory) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// fault turns an error of the file system into one for people. The cause stays inside: it
// names files, which are no matter of a caller.
func fault(what string, err error) error {
	if err == nil {
		return nil
	}
	reason, remedy := "an error of the file system", "see the log"
	switch {
	case errors.Is(err, unix.ENAMETOOLONG):
		return kim.ErrName
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		reason, remedy = "the disk is full", "make room, then try again"
	case errors.Is(err, unix.EROFS):
		reason, remedy = "the file system is read-only", "mount it for writing"
	case errors.Is(err, fs.ErrPermission):
		reason, remedy = "the directory cannot be written", "let the service's user write it"
	case errors.Is(err, unix.EIO):
		reason, remedy = "the disk reports an error", "look at the disk and the kernel's log"
	}
	return &wire.Error{Status: wire.StatusKeyInfoManagerError, Reason: "cannot " + what + ": " + reason, Remedy: remedy, Err: err}
}
