package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// lease is a connection in the hands of one operation.
type lease struct {
	*shared
	ctx  context.Context //nolint:containedctx // lives no longer than the call that it belongs to
	conn *conn
	// keep says that the connection may carry another request: everything so far was
	// answered whole and in time.
	keep bool
}

// lease runs fn on a connection of its own: a kept one, or a fresh one. again says that
// fn failed in a way that makes it safe to run once more on a fresh one.
func (s *shared) lease(ctx context.Context, fresh bool, q call, fn func(*lease) error) (again bool, err error) {
	if q.needs != "" && s.kept.Load() == keptRefused {
		return false, s.oursOnly(q.object, q.needs)
	}
	c, err := s.pool.get(ctx, fresh)
	if err != nil {
		return false, err
	}
	l := &lease{shared: s, ctx: ctx, conn: c, keep: true}
	defer func() { s.pool.put(c, l.keep && c.granted && c.clean()) }()
	if q.needs != "" && !c.granted {
		err = l.prove(q)
	}
	if err == nil {
		err = fn(l)
	}
	if gone, ok := errors.AsType[*lost](err); ok {
		return l.broken(gone, q)
	}
	return false, err
}

// prove makes sure that this very connection is one of a parsec-agent: the original skips
// what it does not know, and would do something else than was asked.
func (l *lease) prove(q call) error {
	_, _, err := l.ask(&prepared{call: call{op: wire.OpPing}, header: wire.Header{Opcode: wire.OpPing}})
	if err == nil && !l.conn.granted {
		err = l.oursOnly(q.object, q.needs)
	}
	return err
}

// ask sends a request and returns the first frame of its answer, which is good until the
// next use of the lease. An answer with another status than success is an error.
func (l *lease) ask(p *prepared) (wire.Header, []byte, error) {
	h := p.header
	if l.kept.Load() != keptRefused {
		h.Flags = wire.FlagPersistent
	}
	done := l.conn.arm(l.ctx, l.opts.Timeout)
	l.conn.pass = p.pass
	answer, reply, err := l.conn.roundTrip(h, p.body, p.auth)
	return l.judge(p.call, done(), answer, reply, err)
}

// next returns another frame of an answer.
func (l *lease) next(q call) (wire.Header, []byte, error) {
	timeout := l.opts.Timeout
	if q.patient {
		timeout = 0
	}
	done := l.conn.arm(l.ctx, timeout)
	answer, reply, err := l.conn.receive()
	return l.judge(q, done(), answer, reply, err)
}

// judge turns what came, or did not, into a result.
func (l *lease) judge(q call, inTime bool, answer wire.Header, reply []byte, err error) (wire.Header, []byte, error) {
	l.keep = l.keep && inTime && err == nil
	if err != nil {
		return answer, nil, l.unread(err)
	}
	granted := answer.Flags&wire.FlagPersistent != 0
	l.conn.granted = granted
	if answer.Status != wire.StatusSuccess {
		return answer, nil, refusal(answer.Status, reply, granted, q.object)
	}
	l.learn(granted)
	switch {
	case answer.Opcode != q.op:
		return answer, nil, l.nonsense(fmt.Sprintf("asked for %s, it answers %s", agent.Name(q.op), agent.Name(answer.Opcode)))
	case answer.Flags&^(wire.FlagPersistent|wire.FlagMore) != 0:
		return answer, nil, l.nonsense(fmt.Sprintf("unknown flags 0x%04x", answer.Flags))
	}
	return answer, reply, nil
}

// learn keeps what the first successful answer says about persistent connections. An
// error says nothing: a limit may have been met before the flag was read.
func (s *shared) learn(granted bool) {
	state := keptRefused
	if granted {
		state = keptGranted
	}
	s.kept.CompareAndSwap(keptUnknown, state)
}

// broken is a connection that was lost on the way.
func (l *lease) broken(gone *lost, q call) (again bool, _ error) {
	l.keep = false
	e := &ConnectionError{Endpoints: []Endpoint{l.endpoint}, Sent: !gone.unseen, Err: gone.err}
	if cause := over(l.ctx); cause != nil {
		e.Err = cause
		return false, e
	}
	return l.conn.reused && (gone.unseen || !q.once) && !isTimeout(gone.err), e
}

// over returns why ctx is over. Its own timer may lag behind the connection's, which was
// set to the same time.
func over(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// nonsense is the error for an answer that the protocol does not allow.
func (l *lease) nonsense(reason string) error {
	l.keep = false
	return &ProtocolError{l.endpoint, reason}
}

// unread explains a frame that could not be read, unless the connection was lost.
func (l *lease) unread(err error) error {
	frame, ok := errors.AsType[*wire.FrameError](err)
	if _, gone := errors.AsType[*lost](err); gone || !ok {
		return err
	}
	switch frame.Status {
	case wire.StatusBodySizeExceedsLimit:
		return l.nonsense(fmt.Sprintf("it is larger than the limit of %d bytes", l.opts.MaxResponse))
	case wire.StatusVersionTooBig:
		return l.nonsense("its version is not 1.0")
	default:
		return l.nonsense("its header is invalid")
	}
}
