// Package exclusive gives a path to one process at a time, and within the process to one
// shared state, however often it is opened: when the agent reloads its configuration, the
// new state opens the stores before the old one closes them.
//
// Between processes the claim is an advisory flock on a lock file, which is created when
// missing and never removed; it does not keep out programs that ignore it. The claim ends
// with the last Close or with the process. Lock files are opened for reading only, so an
// existing one can be locked on a read-only file system.
package exclusive

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Table holds the open paths of one kind of store in this process.
type Table[S any] struct {
	mu   sync.Mutex
	open map[string]*claim[S]
}

type claim[S any] struct {
	state S
	lock  *os.File
	refs  int
	close func(S) error
}

// Opener is how a state begins, what happens when it is opened again while open, and how
// it ends. The calls of one Table never overlap.
type Opener[S any] struct {
	Open  func() (S, error)
	Again func(S) error
	Close func(S) error
}

// Ref is one opening of a shared state.
type Ref[S any] struct {
	State S
	once  sync.Once
	end   func() error
}

// Acquire opens the state of a path, or shares it when this process has it open. The path
// must be in one canonical form. A lock that another process holds is kim.ErrLocked.
func (t *Table[S]) Acquire(path, lockPath string, o Opener[S]) (*Ref[S], error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.open[path]; ok {
		if err := o.Again(c.state); err != nil {
			return nil, err
		}
		c.refs++
		return t.ref(path, c), nil
	}
	lock, err := lockFile(lockPath)
	if err != nil {
		return nil, err
	}
	state, err := o.Open()
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	c := &claim[S]{state: state, lock: lock, refs: 1, close: o.Close}
	if t.open == nil {
		t.open = map[string]*claim[S]{}
	}
	t.open[path] = c
	return t.ref(path, c), nil
}

func (t *Table[S]) ref(path string, c *claim[S]) *Ref[S] {
	return &Ref[S]{State: c.state, end: func() error {
		t.mu.Lock()
		defer t.mu.Unlock()
		if c.refs--; c.refs > 0 {
			return nil
		}
		delete(t.open, path)
		return errors.Join(c.close(c.state), c.lock.Close())
	}}
}

// Close gives this opening up; the last one ends the state and the claim. Further calls do
// nothing.
func (r *Ref[S]) Close() error {
	var err error
	r.once.Do(func() { err = r.end() })
	return err
}

func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o600) //nolint:gosec // the configured path of the store
	if errors.Is(err, unix.EROFS) {
		f, err = os.Open(path) //nolint:gosec // the configured path of the store
	}
	if err != nil {
		return nil, &wire.Error{
			Status: wire.StatusKeyInfoManagerError, Object: path, Reason: fmt.Sprintf("cannot open the lock file: %v", err),
			Remedy: "let the service's user write to its directory", Err: err,
		}
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = kim.ErrLocked
	}
	_ = f.Close() // only read
	return nil, &wire.Error{
		Status: wire.StatusKeyInfoManagerError, Object: path, Reason: err.Error(),
		Remedy: "stop the other agent, or configure another key info manager", Err: err,
	}
}
