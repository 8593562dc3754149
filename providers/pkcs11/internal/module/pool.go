//go:build cgo

package module

import (
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

	// free has room for every session.
	free chan pkcs11.SessionHandle
	done chan struct{}

	mu      sync.Mutex // guards the fields below
	flags   uint
	opened  int
	most    int
	closed  bool
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

// release gives a session back. One that is lost, or in which an operation got stuck, is
// given up; the login does not depend on it while there are others.
func (p *pool) release(s pkcs11.SessionHandle, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	rv := resultOf(err)
	stuck := rv == ck.RVOperationActive && p.opened > 1
	if rv.SessionLost() && rv != ck.RVUserNotLoggedIn || stuck {
		_ = p.ctx.CloseSession(s) // it is of no use either way
		p.opened--
		return
	}
	p.free <- s
}

// close ends all sessions, also those in use.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.done)
		_ = p.ctx.CloseAllSessions(p.slot) // they may be gone already
	}
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

// with runs use in a session. Some libraries keep an operation that failed: the next one
// in its session is refused before it begins, and begins in another session then.
func (p *pool) with(use func(pkcs11.SessionHandle) error) error {
	s, err := p.acquire()
	if err != nil {
		return err
	}
	err = use(s)
	if resultOf(err) == ck.RVOperationActive {
		if fresh, failed := p.openSession(); failed == nil {
			_ = p.ctx.CloseSession(s) // the login does not depend on it: there is another
			s, err = fresh, use(fresh)
		}
	}
	p.release(s, err)
	return err
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
