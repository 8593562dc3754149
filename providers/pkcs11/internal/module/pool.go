//go:build cgo

package module

import (
	"errors"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

// pool is the sessions of one slot with the handles that were found in them.
type pool struct {
	ctx  *pkcs11.Ctx
	slot uint

	// objects is held by what changes objects, and for reading by what looks for them, where
	// the library needs that.
	objects   sync.RWMutex
	exclusive bool
	// permitted is held while an object is used that wants the PIN for each use, and for
	// reading by the uses of others.
	permitted sync.RWMutex

	// free has room for every session.
	free chan pkcs11.SessionHandle
	done chan struct{}

	mu     sync.Mutex // guards the fields below
	flags  uint
	opened int
	most   int
	closed bool
	// user is set by a login; whether it still holds is the library's to say.
	user    bool
	handles map[string]pkcs11.ObjectHandle
}

// maxHandles bounds the memory for handles; more are found again.
const maxHandles = 4096

// newPool opens the first session: for reading and writing where the token lets it.
func newPool(ctx *pkcs11.Ctx, slot uint, most int, exclusive bool) (*pool, error) {
	p := &pool{
		ctx: ctx, slot: slot, exclusive: exclusive, most: max(most, 1), flags: pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION,
		done: make(chan struct{}), handles: map[string]pkcs11.ObjectHandle{},
	}
	p.free = make(chan pkcs11.SessionHandle, p.most)
	s, err := p.openSession()
	if resultOf(err) == ck.RVTokenWriteProtected {
		p.flags = pkcs11.CKF_SERIAL_SESSION
		s, err = p.openSession()
	}
	if err != nil {
		return nil, err
	}
	p.opened = 1
	p.free <- s
	return p, nil
}

func (p *pool) openSession() (pkcs11.SessionHandle, error) {
	s, err := p.ctx.OpenSession(p.slot, p.flags)
	return s, failed("C_OpenSession", err)
}

var errClosed = &failure{"C_OpenSession", ck.RVSessionClosed}

// acquire takes a free session, opens one, or waits for one.
func (p *pool) acquire() (pkcs11.SessionHandle, error) {
	select {
	case <-p.done:
		return 0, errClosed
	default:
	}
	select {
	case s := <-p.free:
		return s, nil
	default:
	}
	if s, opened, err := p.more(); opened || err != nil {
		return s, err
	}
	select {
	case s := <-p.free:
		return s, nil
	case <-p.done:
		return 0, errClosed
	}
}

// more opens one more session if the pool may have it. A token that has no more makes the
// pool content with what it has.
func (p *pool) more() (s pkcs11.SessionHandle, opened bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, false, errClosed
	}
	if p.opened >= p.most {
		return 0, false, nil
	}
	s, err = p.openSession()
	if resultOf(err) == ck.RVSessionCount && p.opened > 0 {
		p.most = p.opened
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	p.opened++
	return s, true, nil
}

// release gives a session back. One in which an operation got stuck is given up; the login
// does not depend on it while there are others, of which one is opened first. One that is
// lost takes the pool with it: new sessions would lack the login, and show less.
func (p *pool) release(s pkcs11.SessionHandle, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	rv := resultOf(err)
	if rv.SessionLost() && rv != ck.RVUserNotLoggedIn {
		p.end()
		return
	}
	if rv == ck.RVOperationActive && p.opened == 1 {
		next, failed := p.openSession()
		if failed != nil {
			p.free <- s
			return
		}
		p.free <- next
		p.opened++
	}
	if rv == ck.RVOperationActive || begun(err) {
		_ = p.ctx.CloseSession(s) // it is of no use either way
		p.opened--
		return
	}
	p.free <- s
}

// begun reports whether an operation was begun that its object did not permit.
func begun(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.function == "C_Login"
}

// close ends all sessions, also those in use.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end()
}

// end is close. p.mu is held.
func (p *pool) end() {
	if !p.closed {
		p.closed = true
		close(p.done)
		_ = p.ctx.CloseAllSessions(p.slot) // they may be gone already
	}
}

// loggedIn notes a login.
func (p *pool) loggedIn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.user = true
}

// forgotten returns the loss of a login that nobody ended, nil if it holds or there was
// none. Some libraries find a card again that was away, keep the sessions, and show no
// private objects.
func (p *pool) forgotten(s pkcs11.SessionHandle) error {
	p.mu.Lock()
	user := p.user
	p.mu.Unlock()
	if !user {
		return nil
	}
	info, err := p.ctx.GetSessionInfo(s)
	if err != nil {
		return failed("C_GetSessionInfo", err)
	}
	if info.State == pkcs11.CKS_RO_PUBLIC_SESSION || info.State == pkcs11.CKS_RW_PUBLIC_SESSION {
		return &failure{"C_FindObjects", ck.RVUserNotLoggedIn}
	}
	return nil
}

// known returns the handle that was found for a selector.
func (p *pool) known(selector string) (pkcs11.ObjectHandle, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.handles[selector]
	return h, ok
}

func (p *pool) remember(selector string, h pkcs11.ObjectHandle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.handles) >= maxHandles {
		clear(p.handles)
	}
	p.handles[selector] = h
}

func (p *pool) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.handles)
}

// with runs use in a session, and in another one if an operation got stuck in it before:
// some libraries leave one active that failed.
func (p *pool) with(use func(pkcs11.SessionHandle) error) error {
	for try := 0; ; try++ {
		s, err := p.acquire()
		if err != nil {
			return err
		}
		err = use(s)
		p.release(s, err)
		if resultOf(err) != ck.RVOperationActive || try >= p.limit() {
			return err
		}
	}
}

// limit is how many sessions there may be.
func (p *pool) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

// changing and looking bracket what must not happen at the same time.

func (p *pool) changing() (done func()) {
	if !p.exclusive {
		return func() {}
	}
	p.objects.Lock()
	return p.objects.Unlock
}

func (p *pool) looking() (done func()) {
	if !p.exclusive {
		return func() {}
	}
	p.objects.RLock()
	return p.objects.RUnlock
}
