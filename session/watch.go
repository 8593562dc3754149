package session

import (
	"context"
	"iter"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Event is something that watchers are told.
type Event interface{ event() }

// StatusChanged says that the status is another one.
type StatusChanged struct{ Status Status }

// Accepted says that certificates came and are valid.
type Accepted struct {
	// Topics are those that something came in; Realms those of TopicRealm.
	Topics []trust.Topic
	Realms []trust.RealmID
	// Anew says that all certificates were fetched again: what was known before counts for nothing.
	Anew bool
}

// Heard is an event of the server: invitations, greeting attempts, enrolments, vlobs, the configuration. It is not proven by anything. Vlobs come without their
// content. Tokens in it are shared by all watchers, who do not wipe them.
type Heard struct{ Event cloud.EventsListenRep }

// Missed says that events may be lost: whoever acts on them looks at everything anew.
type Missed struct{}

func (StatusChanged) event() {}
func (Accepted) event()      {}
func (Heard) event()         {}
func (Missed) event()        {}

// maxQueue is how many events wait for a watcher.
const maxQueue = 256

// watchers are all who watch.
type watchers struct {
	mu     sync.Mutex // guards the fields below
	all    map[*watcher]struct{}
	closed bool
}

type watcher struct {
	mu     sync.Mutex // guards the field below
	queue  []Event
	wake   chan struct{}
	closed chan struct{}
}

// Watch returns the events from now on, until the context ends, the session is closed, or the loop over them is left. It is ranged over once. A watcher that does not keep up
// loses what waited, and gets Missed in its place.
func (s *Session) Watch(ctx context.Context) iter.Seq[Event] {
	w := s.watchers.add()
	stop := context.AfterFunc(ctx, func() { s.watchers.remove(w) })
	return func(yield func(Event) bool) {
		defer s.watchers.remove(w)
		defer stop()
		for {
			for _, e := range w.take() {
				if ctx.Err() != nil || !yield(e) {
					return
				}
			}
			select {
			case <-w.wake:
			case <-ctx.Done():
				return
			case <-w.closed:
				for _, e := range w.take() {
					if !yield(e) {
						return
					}
				}
				return
			}
		}
	}
}

func (a *watchers) add() *watcher {
	w := &watcher{wake: make(chan struct{}, 1), closed: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		close(w.closed)
		return w
	}
	if a.all == nil {
		a.all = map[*watcher]struct{}{}
	}
	a.all[w] = struct{}{}
	return w
}

func (a *watchers) remove(w *watcher) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.all, w)
}

// tell gives an event to everybody.
func (a *watchers) tell(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for w := range a.all {
		w.put(e)
	}
}

// close ends all watches.
func (a *watchers) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for w := range a.all {
		close(w.closed)
	}
	a.all = nil
}

func (w *watcher) put(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= maxQueue {
		w.queue = append(w.queue[:0:0], Missed{})
	}
	w.queue = append(w.queue, e)
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.queue
	w.queue = nil
	return all
}
