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
	*net.UnixListener
	// path is the address for people and clients.
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
	return &socket{b.listener, path, b}, nil
}

// release removes what bind made. The listener is closed by whoever serves it.
func (s *socket) release() error {
	if s.bound == nil {
		return nil
	}
	return s.bound.remove()
}

var errActivation = errors.New("the service manager passed a descriptor that is not a listening Unix stream socket; check ListenStream= of the socket unit")

// activated returns the socket that the service manager passed, or nil.
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
	if len(files) > 1 {
		return nil, fmt.Errorf("too many file descriptors received: %d, expected one socket", len(files))
	}
	if !isListening(files[0]) {
		return nil, errActivation
	}
	ln, err := net.FileListener(files[0])
	if err != nil {
		return nil, fmt.Errorf("cannot use the socket of the service manager: %w", err)
	}
	unixListener, ok := ln.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(errActivation, ln.Close())
	}
	unixListener.SetUnlinkOnClose(false)
	return &socket{UnixListener: unixListener, path: unixListener.Addr().String()}, nil
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
