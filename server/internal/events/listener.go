package events

import (
	"bytes"
	"slices"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Bounds of 1.8.
const (
	// maxWaiting is how many events wait for a listener; one that is slower is disconnected.
	maxWaiting = 100
	// maxReplay is how many events are sent again to one that reconnects.
	maxReplay = 100
	// maxPending bounds what happens in an organisation while a listener connects.
	maxPending = 1000
)

// Listener is one stream of events. Its owner calls Start once, then Next whenever there may be something, and Close in any case.
type Listener struct {
	broker *Broker
	org    int64
	user   trust.UserID
	device trust.DeviceID

	mu    sync.Mutex // guards the fields below; order: the broker's mu, then this one, which alone Next needs: thousands ask at once
	queue []string
	over  bool
	wake  func()

	// The fields below are guarded by the broker's mu.
	ended   bool
	started bool
	admin   bool
	// realms are those of the user, in order: as a map, they would be most of what a listener has.
	realms []trust.RealmID
	// pending is what happened before Start; replay what the last event of the client was followed by, if it is known.
	pending []*Event
	replay  []*Event
	missed  bool
}

// Notify has wake called from now on whenever Next has something new to say. It is called while everybody waits for the broker, so it must do nothing that
// takes time.
func (l *Listener) Notify(wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake = wake
}

// Next takes the frame that is to be sent next, empty if none waits; over says that none will. Keep-alives are its caller's.
func (l *Listener) Next() (frame string, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.queue = nil // most of the time nothing waits, for thousands of listeners
		return "", l.over
	}
	frame, l.queue[0] = l.queue[0], ""
	l.queue = l.queue[1:]
	return frame, false
}

// push has a frame wait, and reports false if too many do.
func (l *Listener) push(frame string) bool {
	l.mu.Lock()
	full, wake := len(l.queue) == maxWaiting, l.wake
	if !full {
		l.queue = append(l.queue, frame)
	}
	l.mu.Unlock()
	if !full && wake != nil {
		wake()
	}
	return !full
}

// finish says that nothing comes any more.
func (l *Listener) finish() {
	l.mu.Lock()
	l.over = true
	wake := l.wake
	l.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// Start tells who listens, as read after Listen was called, and returns the frames to send first.
func (l *Listener) Start(profile trust.Profile, realms []trust.RealmID) []string {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	l.admin = profile == trust.Admin
	l.realms = slices.Clone(realms)
	slices.SortFunc(l.realms, compareRealms)
	l.realms = slices.Clip(slices.Compact(l.realms))
	frames := []string{}
	for _, e := range l.replay {
		if l.wants(e) {
			frames = append(frames, e.Frame)
		}
	}
	if l.missed || len(frames) > maxReplay {
		frames = []string{cloud.MissedEventsFrame}
	}
	for _, e := range l.pending {
		l.move(e)
		if l.wants(e) {
			frames = append(frames, e.Frame)
		}
	}
	l.replay, l.pending, l.started = nil, nil, true
	return frames
}

// Close ends the listening.
func (l *Listener) Close() {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	l.end()
}

// end needs the broker's mu.
func (l *Listener) end() {
	if l.ended {
		return
	}
	l.ended = true
	l.finish()
	delete(l.broker.listeners[l.org], l)
	if len(l.broker.listeners[l.org]) == 0 {
		delete(l.broker.listeners, l.org)
	}
}

// take hands an event to the listener. It needs the broker's mu.
func (l *Listener) take(e *Event) {
	if e.Effect.Kind == Disconnect && (e.Effect.User == nil || *e.Effect.User == l.user) {
		if l.started && l.wants(e) {
			l.push(e.Frame) // why it ends is the last that it hears
		}
		l.end()
		return
	}
	if !l.started {
		if len(l.pending) == maxPending {
			l.end()
			return
		}
		l.pending = append(l.pending, e)
		return
	}
	l.move(e)
	if l.wants(e) && !l.push(e.Frame) {
		l.end()
	}
}

// move follows the user into realms and out of them.
func (l *Listener) move(e *Event) {
	if e.Effect.User == nil || *e.Effect.User != l.user || e.Effect.Realm == nil {
		return
	}
	at, member := l.realm(*e.Effect.Realm)
	switch e.Effect.Kind {
	case Join:
		if !member {
			l.realms = slices.Insert(l.realms, at, *e.Effect.Realm)
		}
	case Leave:
		if member {
			l.realms = slices.Delete(l.realms, at, at+1)
		}
	case NoEffect, Forget, Disconnect:
	}
}

func compareRealms(a, b trust.RealmID) int { return bytes.Compare(a[:], b[:]) }

// realm finds where a realm is, or would be.
func (l *Listener) realm(id trust.RealmID) (at int, member bool) {
	return slices.BinarySearchFunc(l.realms, id, compareRealms)
}

func (l *Listener) wants(e *Event) bool {
	a := &e.Audience
	if e.Frame == "" || a.Except != nil && *a.Except == l.device {
		return false
	}
	if a.Everybody || a.Admins && l.admin || a.hasUser(l.user) {
		return true
	}
	if a.Realm == nil {
		return false
	}
	_, member := l.realm(*a.Realm)
	return member
}
