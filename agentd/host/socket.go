package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// socket is where the agent listens.
type socket struct {
	// listeners are all that the service manager passed, or the one that bind made.
	listeners []*net.UnixListener
	// path is the address of the first one, for people and clients.
	path string
	// bound is nil when the service manager made the socket.
	bound *bound
}

// listen takes the socket of the service manager, or else binds path with mode.
func listen(ctx context.Context, path string, mode os.FileMode) (*socket, error) {
	inherited, err := activated()
	if err != nil || inherited != nil {
		return inherited, err
	}
	b, err := bind(ctx, path, mode)
	if err != nil {
		return nil, err
	}
	return &socket{[]*net.UnixListener{b.listener}, path, b}, nil
}

// release removes what bind made. The listener is closed by whoever serves it.
func (s *socket) release() error {
	if s.bound == nil {
		return nil
	}
	return s.bound.remove()
}

var errActivation = errors.New("the service manager passed a descriptor that is not a listening Unix stream socket; check ListenStream= of the socket unit")

// close closes what nobody serves.
func (s *socket) close() error {
	var errs []error
	for _, ln := range s.listeners {
		errs = append(errs, ln.Close())
	}
	return errors.Join(errs...)
}

// maxSockets bounds what a service manager may pass: a socket for everybody, and such for
// groups or other places.
const maxSockets = 8

// activated returns the sockets that the service manager passed, or nil.
func activated() (*socket, error) {
	files := activation.Files(true)
	defer func() {
		for _, f := range files {
			_ = f.Close() // the listener has a duplicate
		}
	}()
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // no socket is a usual case
	}
	if len(files) > maxSockets {
		return nil, fmt.Errorf("too many file descriptors received: %d, expected at most %d sockets", len(files), maxSockets)
	}
	s := &socket{}
	for _, f := range files {
		ln, err := passed(f)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.listeners = append(s.listeners, ln)
	}
	s.path = s.listeners[0].Addr().String()
	return s, nil
}

// passed takes one socket of the service manager.
func passed(f *os.File) (*net.UnixListener, error) {
	if !isListening(f) {
		return nil, errActivation
	}
	ln, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("cannot use the socket of the service manager: %w", err)
	}
	unixListener, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errActivation, ln.Close())
	}
	unixListener.SetUnlinkOnClose(false)
	return unixListener, nil
}

// isListening reports whether f is a Unix stream socket on which listen was called.
func isListening(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	right := true
	err = raw.Control(func(fd uintptr) {
		for option, want := range map[int]int{unix.SO_DOMAIN: unix.AF_UNIX, unix.SO_TYPE: unix.SOCK_STREAM, unix.SO_ACCEPTCONN: 1} {
			got, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, option)
			right = right && err == nil && got == want
		}
	})
	return err == nil && right
}
