package agentd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// conn is one connection. Its fields belong to the goroutine that serves it; other
// goroutines may only call interrupt.
type conn struct {
	service *Service
	net     *net.UnixConn
	peer    *peer.Peer
	account *account
	reader  *wire.Reader
	out     []byte
	passed  passed  // what the peer passed beside its bytes
	upload  *upload // what RestoreChunk requests of this connection brought

	// kept is set once a flagged request was answered: the connection stays.
	kept bool
	// readBy and writeBy are the deadlines set last. They are renewed only when they have
	// become too near, for setting one costs as much as reading a frame.
	readBy, writeBy time.Time
}

// slack is how much longer than said a deadline may be.
const slack = 5 * time.Second

// keepOut is the largest response buffer that a connection keeps, in bytes.
const keepOut = 64 << 10

// serve answers requests until the peer, the protocol or the service ends it.
func (c *conn) serve(ctx context.Context) {
	defer func() { c.upload.discard() }()
	for c.next(ctx) {
	}
}

// interrupt ends the waiting for a next request.
func (c *conn) interrupt() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }

// next serves one request and reports whether another may follow.
func (c *conn) next(ctx context.Context) bool {
	if !c.await(ctx) {
		return false
	}
	r := &request{conn: c, start: time.Now()}
	if !c.reader.Whole() {
		// One deadline for all of the frame: a byte now and then does not extend it.
		c.readBy = r.start.Add(c.service.timeout())
		_ = c.net.SetReadDeadline(c.readBy)
	}
	header, err := c.reader.ReadHeader()
	r.Header = header
	r.flagged = header.Persistent()
	if err != nil {
		return c.refuse(ctx, r, err)
	}
	size := int64(header.BodyLen) + int64(header.AuthLen)
	if err := c.account.reserve(size); err != nil {
		return c.refuse(ctx, r, err)
	}
	defer c.account.release(size)
	defer c.reader.Wipe()
	defer c.passed.drop()
	r.Request, err = c.reader.ReadRest(header)
	if err != nil && wire.StatusOf(err) == wire.StatusConnectionError {
		return c.refuse(ctx, r, err)
	}
	var body []byte
	if err == nil {
		body, err = c.service.dispatch(ctx, r)
	}
	return c.finish(ctx, r, body, err) && r.flagged
}

// await blocks until a request begins. A connection that has had none yet is told when
// its time is up, as the original does; a kept one is closed in silence.
func (c *conn) await(ctx context.Context) bool {
	wait := c.service.timeout()
	if c.kept {
		wait = c.service.idle()
	}
	if now := time.Now(); c.readBy.Sub(now) < wait-wait/8 || c.readBy.Sub(now) > wait {
		c.readBy = now.Add(wait)
		_ = c.net.SetReadDeadline(c.readBy)
	}
	if c.service.stopping.Load() {
		return false
	}
	err := c.reader.Await()
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.service.stopping.Load() {
		err = c.look()
	}
	if err != nil && !c.kept && !c.service.stopping.Load() {
		r := &request{conn: c, start: time.Now()}
		c.refuse(ctx, r, &wire.FrameError{Status: wire.StatusConnectionError, Err: err})
	}
	return err == nil
}

// look takes what arrived in time although this goroutine did not run in time to see it: on
// a busy machine the deadline may pass with a whole request in the socket's buffer, and a
// read behind its deadline does not even look there.
func (c *conn) look() error {
	const moment = time.Millisecond
	c.readBy = time.Now().Add(moment)
	_ = c.net.SetReadDeadline(c.readBy)
	return c.reader.Await()
}

// refuse answers a request that could not be read. The connection is of no further use.
func (c *conn) refuse(ctx context.Context, r *request, err error) bool {
	if errors.Is(err, io.EOF) && !r.flagged && r.Opcode == 0 && c.kept {
		return false
	}
	c.finish(ctx, r, nil, err)
	return false
}

// finish writes the last frame of an answer and records the request. It reports whether
// the connection is still good.
func (c *conn) finish(ctx context.Context, r *request, body []byte, err error) bool {
	if err != nil {
		body = r.failure(ctx, err)
	}
	header := r.answer(err)
	if c.service.options.Audit != nil {
		c.peer.Cgroup() // known for the record only as long as the peer waits for the answer
	}
	sent := c.write(header, body)
	clear(body)
	c.service.record(r, header.Status)
	return sent == nil
}

// write sends one frame with one system call.
func (c *conn) write(h wire.Header, body []byte) error {
	out, err := wire.AppendResponse(c.out[:0], h, body)
	if err != nil {
		return err
	}
	timeout := c.service.timeout()
	if now := time.Now(); c.writeBy.Sub(now) < timeout {
		c.writeBy = now.Add(timeout + slack)
		_ = c.net.SetWriteDeadline(c.writeBy)
	}
	_, err = c.net.Write(out)
	clear(out)
	c.out = out
	if cap(out) > keepOut {
		c.out = nil
	}
	c.kept = c.kept || h.Flags&wire.FlagPersistent != 0
	return err
}

// turnAway tells a peer that a limit refuses its connection, if it listens, and closes.
func (c *conn) turnAway(err error) {
	c.service.record(&request{conn: c, start: time.Now()}, wire.StatusOf(err))
	frame := wire.DefaultHeader(wire.StatusOf(err)).Append(nil)
	_ = c.net.SetWriteDeadline(time.Now().Add(time.Millisecond)) // a fresh socket's buffer takes it at once
	_, _ = c.net.Write(frame)
	_ = c.net.Close()
}
