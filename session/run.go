package session

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Run follows the server until the context ends, or the device is locked, and returns why. It fetches certificates when the server speaks of new ones and whenever it connects; what fails is
// tried again, with growing waits.
func (s *Session) Run(ctx context.Context) error {
	if !s.begin() {
		return ErrRunning
	}
	defer s.set(func(st *standing) { st.running, st.link, st.linkErr, st.fresh = false, linkIdle, nil, false })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	wait := sync.WaitGroup{}
	defer wait.Wait()
	wait.Go(func() { s.follow(ctx) })
	wait.Go(func() { s.fetch(ctx) })
	select {
	case <-ctx.Done():
	case <-s.device.Done():
		s.set(func(st *standing) { st.link, st.linkErr = linkDown, device.ErrLocked })
		cancel(device.ErrLocked)
	}
	wait.Wait()
	return context.Cause(ctx)
}

func (s *Session) begin() bool {
	started := false
	s.set(func(st *standing) {
		if !st.running && st.link != linkClosed {
			started = true
			st.running, st.link, st.linkErr, st.fresh = true, linkConnecting, nil, false
		}
	})
	return started
}

// Wake has a running session try at once what it waits to try again: after the network came back, the terms were accepted, the clock was set.
func (s *Session) Wake() {
	wake(s.reconnect)
	wake(s.poll)
}

// follow follows the events. What the listener gives up for is tried again too, slowly.
func (s *Session) follow(ctx context.Context) {
	listener := s.inner.Listener(s.notice)
	for failures := 0; ; failures++ {
		err := s.listen(ctx, listener)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			failures = -1
			continue // asked to connect anew
		}
		s.set(func(st *standing) { st.link, st.linkErr, st.fresh = linkDown, err, false })
		d := meaningOf(err).again
		if d == 0 {
			d = backOff(failures)
		}
		if !sleepOr(ctx, jitter(d), s.reconnect) {
			return
		}
	}
}

// listen runs the listener until it gives up; nil says that it is to connect anew.
func (s *Session) listen(ctx context.Context, listener *cloud.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- listener.Run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-s.reconnect:
		cancel()
		<-done //nolint:errcheck // it is the end of its context
		return nil
	}
}

// notice takes what the listener tells.
func (s *Session) notice(n cloud.Notice) {
	switch n.Kind {
	case cloud.NoticeOnline:
		s.set(func(st *standing) { st.link, st.linkErr, st.fresh, st.announced = linkOnline, nil, false, nil })
		wake(s.poll)
	case cloud.NoticeOffline:
		s.set(func(st *standing) { st.link, st.linkErr, st.fresh = linkDown, n.Err, false })
		s.view.Lock()
		defer s.view.Unlock()
		if err := s.saveViewed(); err != nil {
			s.log.Warn("the age of the view is not stored", "device", s.id, "error", err)
		}
	case cloud.NoticeMissed:
		s.set(func(st *standing) { st.fresh = false })
		s.watchers.tell(Missed{})
		wake(s.poll)
	case cloud.NoticeEvent:
		s.heard(n.Event)
	}
}

// heard takes an event of the server.
func (s *Session) heard(e cloud.EventsListenRep) {
	switch e := e.(type) {
	case *cloud.EventOrganizationConfig:
		config := *e
		s.set(func(st *standing) { st.config = &config })
	case *cloud.EventCommonCertificate:
		s.announce(certlog.Place{Topic: trust.TopicCommon}, e.Timestamp)
	case *cloud.EventSequesterCertificate:
		s.announce(certlog.Place{Topic: trust.TopicSequester}, e.Timestamp)
	case *cloud.EventShamirRecoveryCertificate:
		s.announce(certlog.Place{Topic: trust.TopicShamir}, e.Timestamp)
	case *cloud.EventRealmCertificate:
		s.announce(certlog.Place{Topic: trust.TopicRealm, Realm: e.RealmID}, e.Timestamp)
	case *cloud.EventVlob:
		light := *e
		light.Blob = nil // what waits for watchers is bounded
		s.watchers.tell(Heard{&light})
		return
	}
	s.watchers.tell(Heard{e})
}

// announce remembers that there is a certificate, and has it fetched if it is new.
func (s *Session) announce(place certlog.Place, at trust.DateTime) {
	s.view.RLock()
	mark, ok := s.kept.Marks()[place]
	s.view.RUnlock()
	if ok && !mark.At.Before(at) {
		return
	}
	s.mu.Lock()
	if s.announced == nil {
		s.announced = map[certlog.Place]trust.DateTime{}
	}
	if known, ok := s.announced[place]; (!ok && len(s.announced) < maxAnnounced) || known.Before(at) {
		s.announced[place] = at
	}
	s.mu.Unlock()
	wake(s.poll)
}

// askEvery is how often certificates are asked for though the server speaks of none: it may speak of none to hide them.
const askEvery = time.Hour

// fetch fetches certificates when it is woken, again after a failure, and now and then.
func (s *Session) fetch(ctx context.Context) {
	for failures := 0; ; {
		pause := askEvery
		if failures > 0 {
			pause = s.pause(failures)
		}
		if !sleepOr(ctx, jitter(pause), s.poll) {
			return
		}
		err := s.refresh(ctx, s.isStale())
		if err == nil {
			err = s.audit(ctx)
		}
		if err != nil && ctx.Err() == nil {
			failures++
			s.log.Warn("certificates are not up to date", "device", s.id, "error", err)
		} else {
			failures = 0
		}
	}
}

// isStale reports whether events may have been lost since the last time.
func (s *Session) isStale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.fresh || s.trouble != nil
}

// pause is how long to wait after failures.
func (s *Session) pause(failures int) time.Duration {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	if trouble != nil {
		if d := meaningOf(trouble).again; d > 0 {
			return d
		}
	}
	return backOff(failures)
}

// waits are those before attempts, the last of them from then on.
var waits = []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}

func backOff(failures int) time.Duration { return waits[min(max(failures-1, 0), len(waits)-1)] }

// jitter returns between half of a wait and all of it, so that clients do not come back together.
func jitter(wait time.Duration) time.Duration {
	b := [2]byte{}
	_, _ = rand.Read(b[:]) // never fails
	return wait/2 + wait/2*time.Duration(binary.BigEndian.Uint16(b[:]))/(1<<16)
}

// sleepOr waits, not longer than to a signal; it reports false at the end of the context.
func sleepOr(ctx context.Context, d time.Duration, signal <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-signal:
	}
	return true
}

// Terms returns the terms of service that the server has now.
func (s *Session) Terms(ctx context.Context) (*cloud.TOSGetOK, error) {
	rep, err := cloud.Do(ctx, s.inner, &cloud.TOSGetReq{})
	if err != nil {
		return nil, err
	}
	if got, ok := rep.(*cloud.TOSGetOK); ok {
		return got, nil
	}
	return nil, statusError(rep)
}

// AcceptTerms accepts the terms of service of this date, as Terms returned it, because a person did.
func (s *Session) AcceptTerms(ctx context.Context, updated trust.DateTime) error {
	rep, err := cloud.Do(ctx, s.inner, &cloud.TOSAcceptReq{TOSUpdatedOn: updated})
	if err != nil {
		return err
	}
	if _, ok := rep.(*cloud.OK); !ok {
		return statusError(rep)
	}
	s.set(func(st *standing) {
		if errors.Is(st.linkErr, cloud.ErrMustAcceptTOS) {
			st.link, st.linkErr = linkConnecting, nil
		}
		if errors.Is(st.trouble, cloud.ErrMustAcceptTOS) {
			st.trouble = nil
		}
	})
	s.Wake()
	return nil
}

// AcceptRollback forgets all certificates, because a person accepts that the server is behind what this device has seen, and takes what the server has. That is recorded with the
// pin. It is ErrNoRollback unless the session refuses to go on for that reason.
func (s *Session) AcceptRollback(ctx context.Context) error {
	select {
	case <-s.refreshing:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := s.forget()
	s.refreshing <- struct{}{}
	if err != nil {
		return err
	}
	return s.Refresh(ctx)
}

func (s *Session) forget() error {
	s.mu.Lock()
	trouble := s.trouble
	s.mu.Unlock()
	if !errors.Is(trouble, ErrRollback) {
		return ErrNoRollback
	}
	if err := s.o.Pins.accepted(s.server, s.organization, s.id, trouble.Error()); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	s.view.Lock()
	defer s.view.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.clear(); err != nil {
		return err
	}
	if err := s.kept.Forget(); err != nil {
		return fmt.Errorf("%w: %w", ErrStorage, err)
	}
	s.watchers.tell(Missed{})
	s.set(func(st *standing) { st.trouble, st.fresh, st.announced = nil, false, nil })
	return nil
}
