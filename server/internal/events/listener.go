package events

import (
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

// Listener is one stream of events. Its owner calls Start once, then takes frames until Done, and Close in any case.
type Listener struct {
	broker *Broker
	org    int64
	user   trust.UserID
	device trust.DeviceID

	queue chan string
	done  chan struct{}

	// The fields below are guarded by the broker's mu.
	ended   bool
	started bool
	admin   bool
	realms  map[trust.RealmID]struct{}
	// pending is what happened before Start; replay what the last event of the client was followed by, if it is known.
	pending []*Event
	replay  []*Event
	missed  bool
}

// Frames are what is to be sent, without keep-alives.
func (l *Listener) Frames() <-chan string { return l.queue }

// Done is closed when the stream must end, after the frames that wait.
func (l *Listener) Done() <-chan struct{} { return l.done }

// Start tells who listens, as read after Listen was called, and returns the frames to send first.
func (l *Listener) Start(profile trust.Profile, realms []trust.RealmID) []string {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	l.admin = profile == trust.Admin
	l.realms = map[trust.RealmID]struct{}{}
	for _, r := range realms {
		l.realms[r] = struct{}{}
	}
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
	close(l.done)
	delete(l.broker.listeners[l.org], l)
	if len(l.broker.listeners[l.org]) == 0 {
		delete(l.broker.listeners, l.org)
	}
}

// take hands an event to the listener. It needs the broker's mu.
func (l *Listener) take(e *Event) {
	if e.Effect.Kind == Disconnect && (e.Effect.User == nil || *e.Effect.User == l.user) {
		if l.started && l.wants(e) { // why it ends is the last that it hears
			select {
			case l.queue <- e.Frame:
			default:
			}
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
	if !l.wants(e) {
		return
	}
	select {
	case l.queue <- e.Frame:
	default:
		l.end()
	}
}

// move follows the user into realms and out of them.
func (l *Listener) move(e *Event) {
	if e.Effect.User == nil || *e.Effect.User != l.user || e.Effect.Realm == nil {
		return
	}
	switch e.Effect.Kind {
	case Join:
		l.realms[*e.Effect.Realm] = struct{}{}
	case Leave:
		delete(l.realms, *e.Effect.Realm)
	case NoEffect, Forget, Disconnect:
	}
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
	_, member := l.realms[*a.Realm]
	return member
}
