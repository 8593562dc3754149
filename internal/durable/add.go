package durable

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Add makes a file as Create does, for a directory that others use as well: when a step
// after the naming fails the file stays, for another may already rely on it. Where the
// journal of the file system keeps the order of things it waits for the disk once and not
// twice. An existing name is an error that is fs.ErrExist, and may not be durable yet:
// that is what Confirm is for.
func (d *Dir) Add(name string, content []byte) error {
	settle := fsync
	if d.ordered() {
		settle = writeOut
	}
	if err := d.place(name, content, settle); err != nil {
		return err
	}
	return d.Confirm(name)
}

// Confirm makes a file durable that somebody added: its content and its name.
func (d *Dir) Confirm(name string) error {
	f, err := d.OpenFile(name)
	if err != nil {
		return err
	}
	err = fsync(int(f.f.Fd()))
	if err := errors.Join(d.fail("synchronise", name, err), f.Close()); err != nil {
		return err
	}
	return d.sync(name)
}

// ordered reports file systems that never show a name after a crash without what had been
// written out before the naming: ext4 and XFS end the writing of pages when the extents
// are in the journal, names follow in it, and a commit flushes the disk first. Without a
// journal ext4 promises nothing for what was not acknowledged.
func (d *Dir) ordered() bool {
	var st unix.Statfs_t
	_, err := retry(func() (int, error) { return 0, unix.Fstatfs(d.fd(), &st) })
	if err != nil {
		return false
	}
	kind := uint32(st.Type) //nolint:gosec // a magic number, whose width differs
	return kind == unix.EXT4_SUPER_MAGIC || kind == unix.XFS_SUPER_MAGIC
}

// writeOut has the disk take all pages of a file, which does not make it durable yet.
func writeOut(fd int) error {
	const all = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	_, err := retry(func() (int, error) { return 0, unix.SyncFileRange(fd, 0, 0, all) })
	return err
}
