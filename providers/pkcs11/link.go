package pkcs11

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

// link keeps the way to one token open: helper, slot, sessions, login. It is opened when a
// request needs it, again when it broke, and by one attempt at a time, for which all
// requests wait.
type link struct {
	o      Options
	record pinRecord
	log    *slog.Logger

	attempts sync.WaitGroup
	stop     chan struct{} // closed by close

	mu      sync.Mutex // guards the fields below
	closed  bool
	current *connection
	attempt *attempt
	// latest is the last connection that was made, for what is asked without the token.
	latest *connection

	// Of the attempt that runs, which is the only one to touch them.
	helper   *supervise.Helper
	started  time.Time
	backoff  time.Duration
	searched time.Time // since when the token is not found in this helper
}

func newLink(o Options) *link {
	return &link{o: o, record: pinRecord{o.StateDir}, log: o.Logger, stop: make(chan struct{})}
}

// attempt is one try to connect.
type attempt struct {
	done chan struct{}
	c    *connection
	err  error
}

// connection is an open and logged in token in a running helper.
type connection struct {
	helper     *supervise.Helper
	library    string
	slot       frame.Slot
	mechanisms map[uint64]frame.MechanismInfo
	profile    *profile
	accepted   accepted // of the login

	mu    sync.Mutex // guards the fields below
	lost  bool
	spent bool // the library has to be loaded anew
}

func (c *connection) isLost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.helper.Ended():
		return true
	default:
		return c.lost
	}
}

func (c *connection) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = true
}

// repeat says what happens to a request whose connection broke.
type repeat int

const (
	// once: it is repeated only if it surely did not happen.
	once repeat = iota
	// freely: doing it twice is as good as once.
	freely
)

// maxTries bounds how often a request is sent that others took the sessions from.
const maxTries = 4

// do sends a request to the token. It is sent a second time over a new connection when the
// first one broke and the request may be repeated, and some more times if it only met sessions
// that had ended with another request.
func (l *link) do(ctx context.Context, r *frame.Request, rep repeat) (*frame.Response, error) {
	for try := 1; ; try++ {
		c, err := l.connect(ctx)
		if err != nil {
			return nil, err
		}
		if len(r.PIN) > 0 && !c.accepted.is(r.PIN) {
			if c.lose(); try == 1 {
				continue // the next login says whether it is right
			}
			return nil, errOtherPIN
		}
		out, err := c.call(ctx, r, l.limit(r.Op))
		if err == nil {
			return out, nil
		}
		if err := l.refusedUse(c, r, err); err != nil {
			return nil, err
		}
		broke, happened := l.judge(c, err)
		if !broke && c.profile.doubtful(err) {
			broke, happened = l.removed(ctx, c) || c.spend(), true
		}
		if !broke || try == maxTries || happened && rep == once || try > 1 && !sessionsTaken(err) {
			return nil, c.explain(r, err)
		}
	}
}

// sessionsTaken reports whether the request found no session because another one had lost
// them all.
func sessionsTaken(err error) bool {
	failed, ok := errors.AsType[*callError](err)
	return ok && failed.function == "C_OpenSession" && failed.result == ck.RVSessionClosed
}

// limit is how long a request may take.
func (l *link) limit(op frame.Op) time.Duration {
	if op == frame.OpGenerateKeyPair || op == frame.OpGenerateKey {
		const longer = 10 // a large RSA key on a small chip
		return longer * l.o.CallLimit
	}
	return l.o.CallLimit
}

// call sends a request over the connection; a failure of the library is a *callError.
func (c *connection) call(ctx context.Context, r *frame.Request, limit time.Duration) (*frame.Response, error) {
	r.Slot = c.slot.ID
	return call(ctx, c.helper, r, limit)
}

func call(ctx context.Context, h *supervise.Helper, r *frame.Request, limit time.Duration) (*frame.Response, error) {
	out, err := h.Call(ctx, r, limit)
	if err != nil {
		return nil, err
	}
	if out.Failed() {
		return nil, &callError{function: out.Function, result: out.Result, text: out.Text}
	}
	return out, nil
}

// judge says whether an error broke the connection, and whether the request may have
// happened nevertheless.
func (l *link) judge(c *connection, err error) (broke, happened bool) {
	if ended, ok := errors.AsType[*supervise.Ended](err); ok {
		c.lose()
		return true, ended.Sent
	}
	failed, ok := errors.AsType[*callError](err)
	if !ok || !failed.result.SessionLost() || l.o.PIN == nil && failed.result == ck.RVUserNotLoggedIn {
		return false, false
	}
	c.lose()
	return true, !beginnings[failed.function]
}

// beginnings are the functions that come before an operation: when they fail, nothing
// happened.
var beginnings = map[string]bool{
	"C_OpenSession": true, "C_FindObjectsInit": true, "C_FindObjects": true, "C_FindObjectsFinal": true, "C_SignInit": true,
	"C_VerifyInit": true, "C_EncryptInit": true, "C_DecryptInit": true, "C_GetSessionInfo": true, "C_GetSlotInfo": true, "C_GetTokenInfo": true, "C_Initialize": true,
}

// connect returns the connection, making it where there is none.
func (l *link) connect(ctx context.Context) (*connection, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, errClosed
	}
	if c := l.current; c != nil && !c.isLost() {
		l.mu.Unlock()
		return c, nil
	}
	a := l.attempt
	if a == nil {
		a = &attempt{done: make(chan struct{})}
		l.attempt = a
		// A login whose outcome nobody waits for would be a wasted try, so the attempt
		// does not end with the request that needed it.
		l.attempts.Go(func() { l.run(context.WithoutCancel(ctx), a) })
	}
	l.mu.Unlock()
	select {
	case <-a.done:
		return a.c, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run makes the attempt and publishes its outcome.
func (l *link) run(ctx context.Context, a *attempt) {
	start := time.Now()
	c, err := l.establish(ctx)
	if err != nil {
		l.log.LogAttrs(ctx, slog.LevelDebug, "pkcs11_token_not_opened", slog.String("provider", l.o.Name),
			slog.Duration("after", time.Since(start)), slog.String("reason", err.Error()))
	} else {
		l.log.LogAttrs(ctx, slog.LevelDebug, "pkcs11_token_opened", slog.String("provider", l.o.Name),
			slog.Duration("after", time.Since(start)), slog.String("token", c.describe()))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt = nil
	if a.c, a.err = c, err; err == nil {
		l.current, l.latest = c, c
	}
	close(a.done)
}

// last returns the last connection, also if it is lost.
func (l *link) last() *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// event takes news of the watched slot.
func (l *link) event(out *frame.Response) {
	l.mu.Lock()
	c := l.current
	l.mu.Unlock()
	if c == nil || len(out.Slots) != 1 || out.Slots[0].ID != c.slot.ID {
		return
	}
	now := out.Slots[0]
	if usable(now) && serialOf(now) == serialOf(c.slot) {
		return
	}
	c.lose()
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "pkcs11_token_changed", slog.String("provider", l.o.Name),
		slog.Uint64("slot", now.ID), slog.String("was", describeToken(c.slot)), slog.String("is", describeToken(now)))
}

// close ends the helper. Requests that run fail.
func (l *link) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.stop)
	}
	l.mu.Unlock()
	l.attempts.Wait()
	if l.helper != nil {
		l.helper.Close()
	}
}

// resultOf returns the library's result, OK if err has none.
func resultOf(err error) ck.RV {
	if failed, ok := errors.AsType[*callError](err); ok {
		return failed.result
	}
	return ck.RVOK
}
