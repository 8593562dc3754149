package device

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// How long a person waits after wrong secrets: not at all for the first ones, then twice as long each time.
const (
	freeAttempts = 3
	firstWait    = time.Second
	longestWait  = 5 * time.Minute
)

// attempts counts the wrong secrets of one person, over all of the person's devices.
type attempts struct {
	now func() time.Time

	mu    sync.Mutex // guards the fields below
	wrong int
	until time.Time
}

// admit refuses an attempt that comes too early.
func (a *attempts) admit() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	wait := a.until.Sub(a.now())
	if wait <= 0 {
		return nil
	}
	wait = wait.Truncate(time.Second) + time.Second
	return &wire.Error{
		Status: wire.StatusNotPermitted, Err: ErrWait,
		Reason: fmt.Sprintf("there were %d wrong secrets in a row; the next one is looked at in %v", a.wrong, wait),
		Remedy: fmt.Sprintf("wait %v, then try again", wait),
	}
}

// learn takes the outcome of an attempt. Only a wrong secret counts, and only a right one is forgiven for: a token that
// is absent says nothing.
func (a *attempts) learn(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.wrong, a.until = 0, time.Time{}
	case errors.Is(err, ErrSecret):
		a.wrong++
		if over := a.wrong - freeAttempts; over >= 0 {
			a.until = a.now().Add(min(firstWait<<min(over, 16), longestWait))
		}
	}
}
