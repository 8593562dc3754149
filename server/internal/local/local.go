// Package local is the Unix socket beside a database of SQLite, at which the server that has the file does what commands of the same account, or
// of root, ask for: nobody else may change the file meanwhile. The kernel says who asks.
package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// suffix follows the name of the database.
const suffix = ".admin"

// maxPath is what the address of a Unix socket holds, and a zero byte.
const maxPath = 107

// atOnce is how many commands are listened to at once; others wait.
const atOnce = 64

// Listener accepts those who may administer.
type Listener struct {
	*net.UnixListener

	path  string
	slots chan struct{}
}

// Listen makes the socket of a database. The caller has the database to itself: a socket that is there is one of a process that died.
func Listen(ctx context.Context, database string) (*Listener, error) {
	path := database + suffix
	switch info, err := os.Lstat(path); {
	case err == nil && info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("cannot listen for commands: %s is no socket", path)
	case err == nil:
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("cannot listen for commands: %w", err)
		}
	}
	address, done, err := short(path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for commands: %w", err)
	}
	defer done()
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for commands: %w", err)
	}
	own, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errors.New("cannot listen for commands: this is no Unix socket"), l.Close())
	}
	own.SetUnlinkOnClose(false) // the name may be that of a descriptor
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen for commands: %w", err), l.Close())
	}
	return &Listener{UnixListener: own, path: path, slots: make(chan struct{}, atOnce)}, nil
}

// short returns an address for a path of any length, which holds until done is called.
func short(path string) (address string, done func(), err error) {
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	dir, err := os.OpenFile(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY, 0) //nolint:gosec // the administrator's path
	if err != nil {
		return "", nil, err
	}
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + filepath.Base(path), func() { _ = dir.Close() }, nil // of a directory: nothing is lost
}

// Accept waits for somebody who may administer; others are turned away.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		uid, err := peer(c)
		if err != nil || uid != 0 && uid != os.Geteuid() {
			_ = c.Close() // nothing was said
			continue
		}
		l.slots <- struct{}{}
		return &conn{UnixConn: c, uid: uid, slots: l.slots}, nil
	}
}

// Close ends the listening and removes the socket.
func (l *Listener) Close() error { return errors.Join(os.Remove(l.path), l.UnixListener.Close()) }

// conn is a connection of somebody known.
type conn struct {
	*net.UnixConn

	uid   int
	slots chan struct{}
}

// Close ends the connection once.
func (c *conn) Close() error {
	err := c.UnixConn.Close()
	if err == nil {
		<-c.slots
	}
	return err
}

// Who says who has a connection, for the audit log.
func Who(c net.Conn) string {
	if own, ok := c.(*conn); ok {
		return "a command of uid " + strconv.Itoa(own.uid)
	}
	return "a command"
}

// peer asks the kernel who has the other end.
func peer(c *net.UnixConn) (uid int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var failed error
	err = raw.Control(func(fd uintptr) { cred, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(err, failed); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}

// Dial connects to the server that has a database.
func Dial(ctx context.Context, database string) (net.Conn, error) {
	address, done, err := short(database + suffix)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", address)
}
