package agentd

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// signedIn is the session of an unlocked device.
type signedIn struct {
	device  *device.Unlocked
	before  *signedIn     // of an earlier unlocking, which may not have ended yet; nil for none
	ended   chan struct{} // closed when nothing is left of it
	opened  chan struct{} // closed when the two below are set
	session *session.Session
	err     error
}

// signIn starts the session of an unlocked device, which ends when the device is locked.
func (p *person) signIn(u *device.Unlocked) *signedIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.sessions[u.ID()]
	if before != nil && before.device == u {
		return before
	}
	in := &signedIn{device: u, before: before, opened: make(chan struct{}), ended: make(chan struct{})}
	if p.closed {
		in.err = errStopping()
		close(in.opened)
		close(in.ended)
		return in
	}
	p.sessions[u.ID()] = in
	p.running.Go(func() { p.attendTo(u, in) })
	return in
}

// attendTo has the session of a device for as long as the device is unlocked.
func (p *person) attendTo(u *device.Unlocked, in *signedIn) {
	defer close(in.ended)
	if in.before != nil {
		<-in.before.ended // it has the directory
		in.before = nil
	}
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	go func() {
		select {
		case <-u.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	in.session, in.err = p.openSession(ctx, u)
	close(in.opened)
	if in.err != nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "session_not_opened", slog.String("device", u.ID().String()), slog.Any("error", in.err))
		p.hub.publish(connectionEvent(u.ID(), p.connection(in)))
		<-ctx.Done()
	} else {
		p.run(ctx, in.session)
	}
	if in.session != nil {
		if err := in.session.Close(); err != nil {
			p.log.LogAttrs(ctx, slog.LevelWarn, "session_not_closed", slog.String("device", u.ID().String()), slog.Any("error", err))
		}
	}
	p.mu.Lock()
	if p.sessions[u.ID()] == in {
		delete(p.sessions, u.ID())
	}
	p.mu.Unlock()
	p.hub.publish(lockedEvent(u.ID()))
}

// signedOut waits until nothing is left of the sessions of devices that are locked.
func (p *person) signedOut(ctx context.Context) {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.sessions))
	p.mu.Unlock()
	for _, in := range all {
		select {
		case <-in.device.Done():
		default:
			continue // it is unlocked
		}
		select {
		case <-in.ended:
		case <-ctx.Done():
			return
		}
	}
}

func (p *person) openSession(ctx context.Context, u *device.Unlocked) (*session.Session, error) {
	pins, err := p.pinned()
	if err != nil {
		return nil, err
	}
	var dir string
	err = u.UseQuietly(func(d *trust.LocalDevice) error {
		dir = session.Dir(p.dir, d.RootVerifyKey, d.DeviceID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s, err := session.Open(ctx, session.Options{Device: u, Dir: dir, Pins: pins, UserAgent: p.userAgent, Logger: p.log})
	return s, organizationError(err)
}

// run follows the server until the device is locked.
func (p *person) run(ctx context.Context, s *session.Session) {
	told := make(chan struct{})
	events := s.Watch(ctx)
	go func() {
		defer close(told)
		for e := range events {
			if m := sessionEvent(s, e); m != nil {
				p.hub.publish(m)
			}
		}
	}()
	p.goOnGreeting(s) //nolint:contextcheck // works and sessions outlive the request
	if err := s.Run(ctx); err != nil && ctx.Err() == nil {
		p.log.LogAttrs(ctx, slog.LevelWarn, "session_ended", slog.String("device", s.DeviceID().String()), slog.Any("error", err))
	}
	<-ctx.Done()
	<-told
}

// session returns the session of a device, which has to be unlocked.
func (p *person) session(ctx context.Context, id trust.DeviceID) (*session.Session, error) {
	u, err := p.store.Get(id)
	if err != nil {
		return nil, err
	}
	in := p.signIn(u) //nolint:contextcheck // works and sessions outlive the request
	select {
	case <-in.opened:
		return in.session, in.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// signedInAs returns what is there of the session of a device, nil if it is locked.
func (p *person) signedInAs(id trust.DeviceID) *signedIn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[id]
}

// session finds the session of the device that a text means.
func (r *request) session(ctx context.Context, text string) (*session.Session, error) {
	e, err := r.device(text)
	if err != nil {
		return nil, err
	}
	return r.person().session(ctx, e.ID)
}

// person is what is kept for the caller.
func (r *request) person() *person { return r.conn.service.devices.person(r.conn.peer.UID) }

// gone reports an error of a session that has ended, or whose device is locked.
func gone(err error) bool {
	return errors.Is(err, session.ErrClosed) || errors.Is(err, device.ErrLocked)
}

func lockedError() error {
	return &wire.Error{Status: wire.StatusBadState, Reason: "the device that greets is locked", Err: device.ErrLocked, Remedy: "unlock it: parsecctl device unlock"}
}
