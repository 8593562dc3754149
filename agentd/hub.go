package agentd

import (
	"context"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// hub passes events on to whoever listens.
type hub struct {
	mu     sync.Mutex // guards the fields below, and those of every listener
	all    map[*listener]struct{}
	closed bool
}

// listener has the events that wait for one caller.
type listener struct {
	queue []*agentpb.Event
	lost  uint64
	wake  chan struct{}
}

// maxWaiting is how many events wait for a caller who does not read them.
const maxWaiting = 256

// publish gives an event to everybody. It never blocks: who does not keep up loses what waited for longest, and is told how much.
func (h *hub) publish(e *agentpb.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.all {
		if len(l.queue) >= maxWaiting {
			l.queue = append(l.queue[:0:0], l.queue[1:]...)
			l.lost++
		}
		l.queue = append(l.queue, e)
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
}

func (h *hub) listen() *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &listener{wake: make(chan struct{}, 1)}
	if h.all == nil {
		h.all = map[*listener]struct{}{}
	}
	if !h.closed {
		h.all[l] = struct{}{}
	}
	return l
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, l)
}

// close ends the telling.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed, h.all = true, nil
}

// next waits for events, and returns how many were lost before them.
func (h *hub) next(ctx context.Context, l *listener) ([]*agentpb.Event, uint64, error) {
	for {
		h.mu.Lock()
		all, lost := l.queue, l.lost
		l.queue, l.lost = nil, 0
		h.mu.Unlock()
		if len(all) > 0 {
			return all, lost, nil
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}
