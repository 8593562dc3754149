package socket

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects to a socket as the user uid, which takes root if that is not the caller.
// The kernel tells the service the effective user of the thread that connects.
func Dial(ctx context.Context, path string, uid uint32) (*net.UnixConn, error) {
	if int64(uid) == int64(os.Geteuid()) {
		return dial(ctx, path)
	}
	type result struct {
		conn *net.UnixConn
		err  error
	}
	done := make(chan result)
	go func() {
		// If the thread's user cannot be restored the goroutine ends with the thread
		// locked, and the runtime ends the thread with it.
		runtime.LockOSThread()
		own := uint32(os.Geteuid()) //nolint:gosec // a uid has 32 bits
		if err := become(uid); err != nil {
			runtime.UnlockOSThread()
			done <- result{nil, fmt.Errorf("cannot become user %d: %w", uid, err)}
			return
		}
		conn, err := connect(path)
		if become(own) == nil {
			runtime.UnlockOSThread()
		}
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// become changes the effective user of the calling thread alone. The standard library's
// Setresuid, and x/sys's with it, change all threads.
func become(uid uint32) error {
	const keep = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(sysSetresuid, keep, uintptr(uid), keep); errno != 0 {
		return errno
	}
	return nil
}

func dial(ctx context.Context, path string) (*net.UnixConn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("%s is not a Unix socket", path)
	}
	return u, nil
}

// connect connects on the calling thread, which the net package does not promise.
func connect(path string) (*net.UnixConn, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer file.Close()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, fmt.Errorf("cannot connect to %s: %w", path, err)
	}
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return nil, fmt.Errorf("%s is not a Unix socket", path)
	}
	return u, nil
}
