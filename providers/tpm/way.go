package tpm

import (
	"context"
	"sync"
)

// way is what all providers of this process that have the same TCTI share: the turn to use
// the TPM, and the connection. A device without resource manager can be opened once only,
// and while a configuration is reloaded there are two providers for it.
type way struct {
	tcti  TCTI
	users int // guarded by ways.mu

	// turn holds one token: who takes it has the TPM and the field below.
	turn chan struct{}
	conn *conn // nil when the way is not open
}

// ways are the ways in use.
var ways = struct {
	mu   sync.Mutex // guards the field below
	open map[TCTI]*way
}{open: map[TCTI]*way{}}

// enter returns the way for a TCTI, with one more user.
func enter(t TCTI) *way {
	ways.mu.Lock()
	defer ways.mu.Unlock()
	w, ok := ways.open[t]
	if !ok {
		w = &way{tcti: t, turn: make(chan struct{}, 1)}
		ways.open[t] = w
	}
	w.users++
	return w
}

// leave takes one user away; the last closes the connection.
func (w *way) leave() {
	w.turn <- struct{}{}
	defer w.give()
	ways.mu.Lock()
	defer ways.mu.Unlock()
	w.users--
	if w.users == 0 {
		delete(ways.open, w.tcti)
		w.drop()
	}
}

// take waits for the turn, or for the end of the caller's patience.
func (w *way) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case w.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (w *way) give() { <-w.turn }

// drop closes the connection; the next use opens another.
func (w *way) drop() {
	if w.conn != nil {
		(&call{w.conn, context.Background()}).close()
		w.conn = nil
	}
}
