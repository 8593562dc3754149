package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// bound is a socket file of ours.
type bound struct {
	listener *net.UnixListener
	path     string
	id       fileID
	lock     *os.File
}

// fileID tells a file from any other.
type fileID struct{ dev, ino uint64 }

func identify(info fs.FileInfo) (id fileID, uid uint32) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, 0
	}
	return fileID{uint64(st.Dev), st.Ino}, st.Uid //nolint:unconvert // the type differs between machines
}

// newSuffix names the socket before it is in its place, lockSuffix the file whose lock
// says that an agent owns the place.
const (
	newSuffix  = ".new"
	lockSuffix = ".lock"
)

// maxAddress is the longest path in a Unix socket address.
const maxAddress = 107

// freshName is the name under which the socket at path is made: a recognisable one, or a
// short one where that would not fit into an address.
func freshName(path string) string {
	if len(path)+len(newSuffix) <= maxAddress {
		return path + newSuffix
	}
	digest := sha256.Sum256([]byte(path))
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".parsec-%x%s", digest[:4], newSuffix))
}

// bind makes a socket at path. Whatever is there is judged first, under a lock; a stale
// socket is replaced in one step by one that has its mode already.
func bind(ctx context.Context, path string, mode os.FileMode) (*bound, error) {
	if err := checkDirectory(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("failed to bind to Unix socket %s: %w", path, err)
	}
	b := &bound{path: path}
	err := b.take(ctx, mode)
	if err != nil {
		b.release()
		return nil, fmt.Errorf("failed to bind to Unix socket %s: %w", path, err)
	}
	return b, nil
}

// checkDirectory sees to it that there is a place for the socket.
func checkDirectory(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no such file or directory: %s; create it for the agent's account, as with: install -d -m 0755 -o parsec -g parsec %s", dir, dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	default:
		return nil
	}
}

func (b *bound) take(ctx context.Context, mode os.FileMode) error {
	if err := b.acquire(); err != nil {
		return err
	}
	stale, err := b.judge(ctx)
	if err != nil {
		return err
	}
	fresh, err := b.listen(ctx, mode)
	if err != nil {
		return err
	}
	if err := b.place(fresh, stale); err != nil {
		_ = os.Remove(fresh) // ours
		return err
	}
	info, err := os.Lstat(b.path)
	if err != nil {
		return err
	}
	b.id, _ = identify(info)
	return nil
}

// acquire takes the lock, which ends with the process.
func (b *bound) acquire() error {
	name := b.path + lockSuffix
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // beside the configured path
	if err != nil {
		return err
	}
	b.lock = f
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("cannot lock %s: %w", name, err)
		}
		return fmt.Errorf("address in use: another agent%s has it", holder(f))
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder names the process that wrote its number into the lock file.
func holder(f *os.File) string {
	var b [20]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil || pid <= 0 {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}

// judge returns the stale socket at the path, nil when nothing is there, or why what is
// there must stay.
func (b *bound) judge(ctx context.Context) (stale *fileID, err error) {
	info, err := os.Lstat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing is there
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("address in use: what is there is no socket but %s, and is not touched; remove it or set listener.socket_path", typeName(info.Mode()))
	}
	id, uid := identify(info)
	if int(uid) != os.Geteuid() && uid != 0 {
		return nil, fmt.Errorf("address in use: the socket there belongs to uid %d, and is not touched; remove it or set listener.socket_path", uid)
	}
	if err := silent(ctx, b.path); err != nil {
		return nil, err
	}
	return &id, nil
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "a regular file"
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	default:
		return "a special file"
	}
}

// silent makes sure that nobody answers on a socket. Only a refused connection proves it.
func silent(ctx context.Context, path string) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return errors.New("address in use: another service answers there")
	case errors.Is(err, unix.ECONNREFUSED):
		return nil
	case errors.Is(err, unix.EAGAIN):
		return errors.New("address in use: another service listens there and is busy")
	default:
		return fmt.Errorf("address in use: cannot tell whether another service listens there: %w", err)
	}
}

// listen binds beside the path, with its mode, and returns the name.
func (b *bound) listen(ctx context.Context, mode os.FileMode) (string, error) {
	fresh := freshName(b.path)
	if info, err := os.Lstat(fresh); err == nil && info.Mode().Type() == fs.ModeSocket {
		// Left by an agent that was killed here; the lock says that none is at work.
		if err := os.Remove(fresh); err != nil {
			return "", err
		}
	}
	ln, err := listenAt(ctx, fresh)
	if err != nil {
		return "", err
	}
	ln.SetUnlinkOnClose(false)
	b.listener = ln
	if err := os.Chmod(fresh, mode); err != nil {
		return "", errors.Join(err, os.Remove(fresh))
	}
	return fresh, nil
}

// listenAt binds a name that may be longer than an address, by way of its directory.
func listenAt(ctx context.Context, name string) (*net.UnixListener, error) {
	address := name
	if len(name) > maxAddress {
		dir, err := os.Open(filepath.Dir(name))
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		address = fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(name))
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", address)
	if err != nil {
		if cause, ok := errors.AsType[*os.SyscallError](err); ok {
			return nil, cause.Err
		}
		return nil, err
	}
	unixListener, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a Unix listener is a %T", ln), ln.Close())
	}
	return unixListener, nil
}

// place moves the new socket to the path, where nothing is or exactly the stale socket.
func (b *bound) place(fresh string, stale *fileID) error {
	flags := uint(unix.RENAME_EXCHANGE)
	if stale == nil {
		flags = unix.RENAME_NOREPLACE
	}
	err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, b.path, flags)
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // a file system without the flags
		return os.Rename(fresh, b.path)
	case errors.Is(err, unix.EEXIST):
		return errors.New("address in use: somebody else made a file there just now")
	case err != nil:
		return err
	case stale == nil:
		return nil
	}
	info, err := os.Lstat(fresh)
	if err != nil {
		return err
	}
	if id, _ := identify(info); id != *stale {
		if err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, b.path, unix.RENAME_EXCHANGE); err != nil {
			return err
		}
		return errors.New("address in use: somebody else replaced the socket there just now")
	}
	return os.Remove(fresh)
}

// remove removes the socket if it is still ours, and gives up the place. The lock file
// stays: removing it would let two agents lock two files of one name.
func (b *bound) remove() error {
	defer b.release()
	info, err := os.Lstat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if id, _ := identify(info); id != b.id {
		return nil
	}
	return os.Remove(b.path)
}

// release closes what is open.
func (b *bound) release() {
	if b.listener != nil {
		_ = b.listener.Close() // closed already when it was served
	}
	if b.lock != nil {
		_ = b.lock.Close()
	}
}
