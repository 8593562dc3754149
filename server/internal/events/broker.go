package events

import (
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxKept is how many events are remembered, all organisations together.
const maxKept = 1024

// Watcher hears of effects: of a user, of a whole organisation when user is nil, of everything when org is 0.
type Watcher func(org int64, user *trust.UserID)

// Broker gives events to listeners. It may be used concurrently.
type Broker struct {
	mu        sync.Mutex
	listeners map[int64]map[*Listener]struct{}
	kept      []*Event
	watchers  []Watcher
	stopped   bool
}

// NewBroker returns a broker whose watchers are called before anybody gets an event.
func NewBroker(watchers ...Watcher) *Broker {
	return &Broker{listeners: map[int64]map[*Listener]struct{}{}, watchers: watchers}
}

// Deliver takes what the store delivers.
func (b *Broker) Deliver(m store.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := m.(*Event)
	if !ok {
		b.gap()
		return
	}
	b.remind(e)
	if e.Frame != "" {
		if len(b.kept) == maxKept {
			b.kept = slices.Delete(b.kept, 0, maxKept/8)
		}
		b.kept = append(b.kept, e)
	}
	for l := range b.listeners[e.Org] {
		l.take(e)
	}
}

// Committed tells watchers of what this process did before anybody hears of it.
func (b *Broker) Committed(m store.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := m.(*Event); ok {
		b.remind(e)
	}
}

func (b *Broker) remind(e *Event) {
	switch e.Effect.Kind {
	case Forget, Disconnect:
		b.tell(e.Org, e.Effect.User)
	case NoEffect, Join, Leave:
	}
}

func (b *Broker) tell(org int64, user *trust.UserID) {
	for _, w := range b.watchers {
		w(org, user)
	}
}

// gap is the answer to lost events: nothing is known any more, and everybody must ask again.
func (b *Broker) gap() {
	b.tell(0, nil)
	b.kept = nil
	b.disconnect()
}

func (b *Broker) disconnect() {
	for _, of := range b.listeners {
		for l := range of {
			l.end()
		}
	}
}

// Listen registers a listener, which goes on after the event last if there is one. It is nil once the broker was stopped.
func (b *Broker) Listen(org int64, user trust.UserID, device trust.DeviceID, last *cloud.EventID) *Listener {
	l := &Listener{broker: b, org: org, user: user, device: device}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return nil
	}
	if last != nil {
		l.after(*last)
	}
	if b.listeners[org] == nil {
		b.listeners[org] = map[*Listener]struct{}{}
	}
	b.listeners[org][l] = struct{}{}
	return l
}

// after finds the events of the organisation that follow one.
func (l *Listener) after(last cloud.EventID) {
	i := slices.IndexFunc(l.broker.kept, func(e *Event) bool { return e.ID == last && e.Org == l.org })
	if i < 0 {
		l.missed = true
		return
	}
	for _, e := range l.broker.kept[i+1:] {
		if e.Org == l.org {
			l.replay = append(l.replay, e)
		}
	}
}

// Count returns how many listen.
func (b *Broker) Count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, of := range b.listeners {
		n += len(of)
	}
	return n
}

// Stop ends all listeners, and lets no more in.
func (b *Broker) Stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
	b.disconnect()
}
