package session

import (
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// link is where the stream of events stands.
type link uint8

const (
	linkIdle link = iota
	linkConnecting
	linkOnline
	linkDown
	linkClosed
)

// standing is what the status follows from.
type standing struct {
	status  Status
	running bool

	link    link
	linkErr error
	// trouble is what was wrong with the certificates the last time, fresh that they were fetched since the stream began.
	trouble error
	fresh   bool
	// announced are timestamps of certificates that the server spoke of.
	announced map[certlog.Place]trust.DateTime
	config    *cloud.EventOrganizationConfig
}

// maxAnnounced bounds what a server can make us remember.
const maxAnnounced = 1 << 16

// state decides; an error says why.
func (st *standing) state() (State, error) {
	rolledBack := st.trouble != nil && meaningOf(st.trouble).state == RolledBack
	switch {
	case st.link == linkClosed:
		return Closed, nil
	case rolledBack, st.trouble != nil && (st.link == linkOnline || st.link == linkIdle):
		return meaningOf(st.trouble).state, st.trouble
	case st.link == linkOnline && st.fresh:
		return Online, nil
	case st.linkErr != nil:
		return meaningOf(st.linkErr).state, st.linkErr
	case st.link == linkConnecting, st.link == linkOnline:
		return Connecting, nil
	}
	return Offline, nil
}

// set changes what the status follows from, and tells if the status is another one.
func (s *Session) set(change func(*standing)) {
	if now, changed := s.change(change); changed {
		s.log.Info("session", "device", s.id, "state", now.State, "reason", now.Reason)
	}
}

func (s *Session) change(change func(*standing)) (now Status, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.status
	change(&s.standing)
	state, err := s.state()
	next := Status{State: state, Since: before.Since, Viewed: s.status.Viewed, Err: err}
	switch {
	case err != nil:
		next.Reason, next.Remedy = err.Error(), meaningOf(err).remedy
	case state == Offline:
		next.Reason = "nothing follows the server's events"
	}
	at := s.now()
	if before.State == Online {
		next.Viewed = at
	}
	if state != before.State {
		next.Since = at
	}
	s.status = next
	if state == before.State && next.Reason == before.Reason {
		return next, false
	}
	s.watchers.tell(StatusChanged{s.told()})
	return next, true
}

// told completes the status.
func (s *Session) told() Status {
	st := s.status
	if st.State == Online {
		st.Viewed = s.now()
	}
	if offset, ok := s.client.ClockOffset(); ok {
		st.Offset, st.Clock = &offset, clockWords(offset)
	}
	return st
}

// Status returns how the session stands now.
func (s *Session) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told()
}

// Config returns what the server said last about the organisation, false if it has not yet.
func (s *Session) Config() (cloud.EventOrganizationConfig, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config == nil {
		return cloud.EventOrganizationConfig{}, false
	}
	return *s.config, true
}

// viewedEvery is how much older than the truth a stored time of the view may be while the session runs.
const viewedEvery = 5 * time.Minute

// saveViewed makes the time of the view durable. The caller holds view.
func (s *Session) saveViewed() error {
	viewed := s.Status().Viewed
	if viewed.Sub(s.kept.Viewed()) < time.Second {
		return nil
	}
	return s.kept.SetViewed(viewed)
}

// isLocked reports whether the device is locked.
func (s *Session) isLocked() bool {
	select {
	case <-s.device.Done():
		return true
	default:
		return false
	}
}
