package pkcs11

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/internal/health"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

// link keeps the way to one token open: helper, slot, sessions, login. It is opened when a
// request needs it, again when it broke, and by one attempt at a time, for which all
// requests wait. While it is not open it is tried again by itself.
type link struct {
	o      Options
	record pinRecord
	log    *slog.Logger
	health *health.Health

	key   linkKey
	users int // guarded by links.mu

	attempts sync.WaitGroup
	stop     chan struct{} // closed by close
	giveUp   chan struct{} // closed by close when an attempt takes too long to end

	mu      sync.Mutex // guards the fields below
	closed  bool
	current *connection
	attempt *attempt // that runs
	next    *attempt // that runs when it has ended
	// latest is the last connection that was made, for what is asked without the token.
	latest *connection
	failed error // of the last attempt, nil if it succeeded
	given  *kept // what a person gave, nil for nothing

	// Of the attempt that runs, which is the only one to touch them.
	helper   *supervise.Helper
	started  time.Time
	backoff  time.Duration
	unloaded error     // why the last helper could not load the library
	searched time.Time // since when the token is not found in this helper
	refusals int       // of PINs that people gave, since the last one that was right
	calm     time.Time // until when no further one is sent
}

func newLink(ctx context.Context, o Options) *link {
	l := &link{o: o, record: pinRecord{o.StateDir}, log: o.Logger, stop: make(chan struct{}), giveUp: make(chan struct{}), health: health.New(o.Name, o.Logger)}
	free := context.WithoutCancel(ctx)
	l.attempts.Go(func() {
		l.health.Tend(l.stop, func() { _, _ = l.connect(free) }) // the attempt reports
	})
	return l
}

// attempt is one try to connect, or other work that only one may do at a time.
type attempt struct {
	do   func(context.Context) (*connection, error)
	done chan struct{}
	c    *connection
	err  error
}

func newAttempt(do func(context.Context) (*connection, error)) *attempt {
	return &attempt{do: do, done: make(chan struct{})}
}

// wait returns the outcome, or that the caller gave up.
func (a *attempt) wait(ctx context.Context) (*connection, error) {
	select {
	case <-a.done:
		return a.c, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// connection is an open and logged in token in a running helper.
type connection struct {
	helper     *supervise.Helper
	library    string
	slot       frame.Slot
	mechanisms map[uint64]frame.MechanismInfo
	profile    *profile
	accepted   accepted // of the login

	// use is held for reading by the requests that run.
	use sync.RWMutex

	mu    sync.Mutex // guards the fields below
	lost  bool
	spent bool            // the library is to be loaded anew, see reload.go
	known map[string]bool // ids of adopted keys that are on this token
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
		if !c.use.TryRLock() { // its helper is being given up
			c.lose()
			continue
		}
		out, err := c.call(ctx, r, l.limit(r.Op))
		c.use.RUnlock()
		if err == nil {
			return out, nil
		}
		if err := l.refusedUse(c, r, err); err != nil {
			return nil, err
		}
		broke, happened := l.judge(c, err)
		if try == 1 && c.isFull(err) {
			c.unload()
			continue
		}
		if !broke && c.profile.doubtful(err) {
			broke, happened = l.removed(ctx, c) || c.spend(), true
		}
		if !broke || try == maxTries || happened && rep == once || try > 1 && !sessionsTaken(err) {
			return nil, c.explain(r, err)
		}
	}
}

// sessionsTaken reports whether the request found no session, or not its operation in it,
// because another one had lost them all.
func sessionsTaken(err error) bool {
	failed, ok := errors.AsType[*callError](err)
	return ok && (failed.function == "C_OpenSession" && failed.result == ck.RVSessionClosed || failed.result == ck.RVOperationNotInitialized)
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
	if !ok || !failed.result.SessionLost() || !l.o.logsIn() && failed.result == ck.RVUserNotLoggedIn {
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
		a = newAttempt(func(ctx context.Context) (*connection, error) { return l.establish(ctx, nil) })
		l.begin(ctx, a)
	}
	l.mu.Unlock()
	return a.wait(ctx)
}

// alone makes an attempt of another kind, after the one that runs has ended.
func (l *link) alone(ctx context.Context, do func(context.Context) (*connection, error)) error {
	a := newAttempt(do)
	for {
		l.mu.Lock()
		before := l.next
		switch {
		case l.closed:
			l.mu.Unlock()
			return errClosed
		case l.attempt == nil:
			l.begin(ctx, a)
			before = nil
		case before == nil:
			l.next = a
		}
		l.mu.Unlock()
		if before == nil {
			_, err := a.wait(ctx)
			return err
		}
		if _, err := before.wait(ctx); ctx.Err() != nil {
			return err
		}
	}
}

// begin starts an attempt. The caller holds mu, and no other attempt runs. A login whose
// outcome nobody waits for would be a wasted try, so the attempt does not end with the
// request that needed it.
func (l *link) begin(ctx context.Context, a *attempt) {
	l.attempt = a
	free, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.attempts.Go(func() {
		select {
		case <-l.giveUp:
		case <-a.done:
		}
		cancel()
	})
	l.attempts.Go(func() { l.run(free, a) })
}

// run makes the attempt and publishes its outcome.
func (l *link) run(ctx context.Context, a *attempt) {
	c, err := a.do(ctx)
	select {
	case <-l.stop: // the end tells nothing of the token
	default:
		l.health.Report(ctx, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempt = nil
	if a.c, a.err = c, err; err == nil {
		l.current, l.latest = c, c
	}
	l.failed = err
	close(a.done)
	if n := l.next; n != nil {
		l.next = nil
		if l.closed {
			n.err = errClosed
			close(n.done)
			return
		}
		l.begin(ctx, n)
	}
}

// last returns the last connection, also if it is lost.
func (l *link) last() *connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

// why returns what keeps the token from being used.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	return wire.Errorf(wire.StatusBadState, "the token was not looked for yet")
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
	l.health.Report(context.Background(), providers.Unready(providers.Absent, &wire.Error{
		Status: wire.StatusHardwareFailure, Object: c.describe(),
		Reason: "it was taken out; in its place is now: " + describeToken(now), Remedy: ck.RVDeviceRemoved.Remedy(),
	}))
}

// close ends the helper. Requests that run fail.
func (l *link) close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.stop)
	}
	l.mu.Unlock()
	const orderly = 5 * time.Second // for a login to come to its end
	late := time.AfterFunc(orderly, func() { close(l.giveUp) })
	l.attempts.Wait()
	late.Stop()
	l.given.wipe()
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
