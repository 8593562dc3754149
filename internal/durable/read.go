package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSize is the cause of an error for a file that is larger than the caller allows.
var ErrSize = errors.New("the file is too large")

// ErrType is the cause of an error for something that is not a regular file.
var ErrType = errors.New("not a regular file")

// Stat is what the callers judge of a file.
type Stat struct {
	Mode fs.FileMode // permission bits only
	UID  uint32
	Size int64
	// Modified is when the content was last changed.
	Modified time.Time
}

// File is an open regular file.
type File struct {
	Stat
	f *os.File
}

// OpenFile opens a regular file of the directory for reading. Anything else, links and
// named pipes too, is ErrType.
func (d *Dir) OpenFile(name string) (*File, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd(), name, flags, 0) })
	if errors.Is(err, unix.ELOOP) {
		err = ErrType
	}
	if err != nil {
		return nil, d.fail("open", name, err)
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = ErrType
	}
	if err != nil {
		return nil, errors.Join(d.fail("open", name, err), unix.Close(fd))
	}
	return &File{
		Stat: Stat{Mode: fs.FileMode(st.Mode & 0o777), UID: st.Uid, Size: st.Size, Modified: time.Unix(st.Mtim.Unix())},
		f:    os.NewFile(uintptr(fd), filepath.Join(d.path, name)),
	}, nil
}

// Read returns the whole content, at most limit bytes, in a slice of exactly its size.
func (f *File) Read(limit int64) ([]byte, error) {
	b, err := f.Append(make([]byte, 0, min(f.Size, max(limit, 0))), limit)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Append is Read behind what is in b, which is returned alone after an error.
func (f *File) Append(b []byte, limit int64) ([]byte, error) {
	if f.Size > limit {
		return b, &fs.PathError{Op: "read", Path: f.f.Name(), Err: ErrSize}
	}
	read := slices.Grow(b, int(f.Size))[:len(b)+int(f.Size)]
	if _, err := io.ReadFull(f.f, read[len(b):]); err != nil {
		clear(read[len(b):])
		return b, err
	}
	return read, nil
}

// WriteTo implements io.WriterTo: it writes the content, as much as there was when the file was opened. Where w is a connection the system may do it without a way
// through memory of this program.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	n, err := io.CopyN(w, f.f, f.Size)
	if errors.Is(err, io.EOF) {
		err = &fs.PathError{Op: "read", Path: f.f.Name(), Err: io.ErrUnexpectedEOF}
	}
	return n, err
}

// Head returns the first n bytes, fewer if the file is shorter.
func (f *File) Head(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(f.f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:got], err
}

// Chmod sets the permission bits.
func (f *File) Chmod(mode fs.FileMode) error { return f.f.Chmod(mode) }

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }
