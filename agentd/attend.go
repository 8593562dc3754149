package agentd

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// errHungUp is the cause with which a stream ends whose caller has closed the connection.
var errHungUp = errors.New("the caller has closed the connection")

// attend runs do with a context that also ends when the caller hangs up or the service stops: what do waits for may never
// happen, and nothing is read from the connection meanwhile. A caller that closes only its sending side has hung up too.
func (c *conn) attend(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	_ = c.net.SetReadDeadline(time.Time{})
	if c.service.stopping.Load() { // before the deadline was taken away: nobody sets it again
		return errStopping()
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		cancel(c.hangUp())
	}()
	err := do(ctx)
	cause := context.Cause(ctx)
	c.interrupt()
	<-gone
	c.readBy = time.Time{} // the next request sets its own
	if errors.Is(cause, errHungUp) {
		return nil // nobody is there to be told
	}
	return err
}

func errStopping() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: "the agent is stopping", Remedy: "repeat it when the agent runs again"}
}

// hangUp waits until the caller closes the connection, or the waiting is interrupted, and says which.
func (c *conn) hangUp() error {
	raw, err := c.net.SyscallConn()
	if err != nil {
		return err
	}
	err = raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}} //nolint:gosec // a descriptor
		for {
			n, err := unix.Poll(poll, 0)
			if !errors.Is(err, unix.EINTR) {
				return err != nil || n > 0
			}
		}
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errStopping()
	}
	return errHungUp
}
