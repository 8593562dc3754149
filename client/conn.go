package client

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// conn is one connection. It belongs to one request at a time.
type conn struct {
	net     *net.UnixConn
	reader  *wire.Reader
	arrived counter // bytes read from net
	taken   uint64  // bytes of the frames received
	out     []byte
	pass    *os.File // goes beside the next request
	reused  bool     // has carried another request before
	granted bool     // the service has agreed to keep it
	idledAt time.Time
}

// counter is a reader that counts.
type counter struct {
	r io.Reader
	n uint64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += uint64(max(n, 0))
	return n, err
}

// maxKeptBuffer is the largest send buffer that an idle connection keeps, in bytes.
const maxKeptBuffer = 64 << 10

// maxIdleTime is below the service's five minutes, so that a connection is rarely found
// closed when it is needed.
const maxIdleTime = 4 * time.Minute

func connect(ctx context.Context, path string, limit uint32) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok {
			err = op.Err // its text repeats the path
		}
		if call, ok := errors.AsType[*os.SyscallError](err); ok {
			err = call.Err
		}
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(net.UnknownNetworkError("unix"), c.Close())
	}
	k := &conn{net: u, arrived: counter{r: u}}
	k.reader = wire.NewReader(&k.arrived, limit)
	return k, nil
}

// usable reports whether an idle connection can carry another request: it is neither too
// old, nor closed by the service, nor does anything lie in it that nobody asked for.
func (c *conn) usable() bool {
	if time.Since(c.idledAt) > maxIdleTime {
		return false
	}
	raw, err := c.net.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && quiet
}

// arm bounds the next step by timeout and by ctx. The function that it returns ends the
// watch over ctx; false means that ctx was done and the connection is of no further use.
func (c *conn) arm(ctx context.Context, timeout time.Duration) func() bool {
	deadline, bounded := ctx.Deadline()
	if timeout > 0 {
		if limit := time.Now().Add(timeout); !bounded || limit.Before(deadline) {
			deadline = limit
		}
	}
	_ = c.net.SetDeadline(deadline) // fails only on a closed connection, as the next step will
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) })
}

// send writes a request frame with one system call. An error means that the service has
// not received it whole.
func (c *conn) send(h wire.Header, body, auth []byte) error {
	if need := wire.HeaderSize + len(body) + len(auth); cap(c.out) < need {
		c.out = make([]byte, 0, need) // growing on the way would leave copies behind
	}
	out, err := wire.AppendRequest(c.out[:0], h, body, auth)
	if err != nil {
		return err
	}
	err = c.write(out)
	clear(out)
	c.out = out
	if cap(out) > maxKeptBuffer {
		c.out = nil
	}
	return err
}

// write writes a frame, and passes the file that goes beside its first byte.
func (c *conn) write(frame []byte) error {
	pass := c.pass
	c.pass = nil
	n := 0
	if pass != nil {
		var err error
		n, _, err = c.net.WriteMsgUnix(frame, syscall.UnixRights(int(pass.Fd())), nil)
		if err != nil {
			return err
		}
	}
	_, err := c.net.Write(frame[n:])
	return err
}

// lost is a connection that broke. unseen says that the service cannot have received the
// request whole.
type lost struct {
	err    error
	unseen bool
}

func (l *lost) Error() string { return l.err.Error() }
func (l *lost) Unwrap() error { return l.err }

// receive reads a response frame. The body is good until the next use of c.
func (c *conn) receive() (wire.Header, []byte, error) {
	h, body, err := c.reader.ReadResponse()
	if err == nil {
		c.taken += wire.HeaderSize + uint64(h.BodyLen) + uint64(h.AuthLen)
		return h, body, nil
	}
	if errors.Is(err, io.EOF) {
		return h, nil, &lost{err: err}
	}
	frame, ok := errors.AsType[*wire.FrameError](err)
	if !ok || frame.Status != wire.StatusConnectionError {
		return h, nil, err
	}
	// A Unix socket resets when it is closed with bytes unread: then the service has read
	// neither this request to its end nor, as one is sent at a time, anything after it.
	unseen := errors.Is(frame.Err, syscall.ECONNRESET) || errors.Is(frame.Err, syscall.EPIPE)
	return h, nil, &lost{err: frame.Err, unseen: unseen}
}

// clean reports whether nothing arrived beyond the frames received.
func (c *conn) clean() bool { return c.arrived.n == c.taken }

func (c *conn) close() {
	c.reader.Wipe()
	_ = c.net.Close() // nothing depends on it any more
}

// roundTrip sends a request and receives the first frame of its answer. When the service
// closes while the request is still being written, an answer may lie there all the same:
// it refuses bodies by their length alone.
func (c *conn) roundTrip(h wire.Header, body, auth []byte) (wire.Header, []byte, error) {
	sendErr := c.send(h, body, auth)
	if _, tooLarge := errors.AsType[wire.Status](sendErr); tooLarge {
		return wire.Header{}, nil, sendErr
	}
	answer, reply, err := c.receive()
	if sendErr != nil && (err != nil || answer.Status == wire.StatusSuccess) {
		return wire.Header{}, nil, &lost{err: sendErr, unseen: true}
	}
	return answer, reply, err
}
