package agentd

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// errBusy is the answer to what a limit refuses.
func errBusy(format string, args ...any) *wire.Error {
	e := wire.Errorf(wire.StatusInsufficientMemory, format, args...)
	e.Remedy = "try again when earlier requests have ended"
	return e
}

// ledger accounts for what each uid costs. Limits are read at each use, so that a
// reload takes effect at once.
type ledger struct {
	limits atomic.Pointer[config.Limits]
	total  atomic.Int64 // connections of all uids
	// refused counts the connections and requests that a limit turned away.
	refused atomic.Uint64

	mu     sync.Mutex // guards most, owners and the numbers of each account
	most   int64      // connections of all uids since the last ebb
	owners map[uint32]*account
}

// account is what one uid costs now; it exists while the uid has connections.
type account struct {
	ledger      *ledger
	uid         uint32
	connections int
	memory      int64
	working     int
	waiting     []chan struct{}
}

func newLedger(l config.Limits) *ledger {
	g := &ledger{owners: map[uint32]*account{}}
	g.limits.Store(&l)
	return g
}

// connect admits a connection of uid, or refuses it.
func (g *ledger) connect(uid uint32) (*account, error) {
	l := g.limits.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.owners[uid]
	switch {
	case g.total.Load() >= int64(l.Connections):
		g.refused.Add(1)
		return nil, errBusy("the agent has %d connections, its limit", l.Connections)
	case a != nil && a.connections >= l.ConnectionsPerUID:
		g.refused.Add(1)
		return nil, errBusy("uid %d has %d connections, its limit", uid, l.ConnectionsPerUID)
	}
	if a == nil {
		a = &account{ledger: g, uid: uid}
		g.owners[uid] = a
	}
	a.connections++
	g.total.Add(1)
	g.rise()
	return a, nil
}

// disconnect ends what connect began.
func (a *account) disconnect() {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.connections--
	a.ledger.total.Add(-1)
	if a.connections == 0 {
		delete(a.ledger.owners, a.uid)
	}
}

// reserve sets n bytes of a frame aside until release.
func (a *account) reserve(n int64) error {
	l := a.ledger.limits.Load()
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	if a.memory+n > l.MemoryPerUID {
		a.ledger.refused.Add(1)
		return errBusy("uid %d has requests of %d bytes at work, its limit is %d", a.uid, a.memory, l.MemoryPerUID)
	}
	a.memory += n
	return nil
}

func (a *account) release(n int64) {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	a.memory -= n
}

// begin waits for one of the uid's places at work. The queue is bounded by the number of
// the uid's connections, for each has one request at a time, the waiting by wait.
func (a *account) begin(ctx context.Context, wait time.Duration) error {
	l := a.ledger.limits.Load()
	a.ledger.mu.Lock()
	if a.working < l.RequestsPerUID {
		a.working++
		a.ledger.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	a.waiting = append(a.waiting, turn)
	a.ledger.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case <-turn: // end passed its place on
		return nil
	case <-ctx.Done():
	}
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	for i, w := range a.waiting {
		if w == turn {
			a.waiting = append(a.waiting[:i], a.waiting[i+1:]...)
			a.ledger.refused.Add(1)
			return errBusy("uid %d has %d requests at work, its limit", a.uid, l.RequestsPerUID)
		}
	}
	return nil // the place was passed on in the same moment
}

// end gives the place to the longest waiting request of the uid.
func (a *account) end() {
	a.ledger.mu.Lock()
	defer a.ledger.mu.Unlock()
	if len(a.waiting) > 0 {
		close(a.waiting[0])
		a.waiting = a.waiting[1:]
		return
	}
	a.working--
}
