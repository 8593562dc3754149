package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

const (
	// firstBackoff is how long a helper that failed soon after its start is left alone;
	// the time doubles up to maxBackoff and is forgotten after a life of stable.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	stable       = 10 * time.Second
	// stubborn is how long a library may not find the token before it is loaded anew: some
	// look at their readers only once.
	stubborn = 3 * time.Second
)

// establish opens the token and logs in, with what a person offers or, if that is nil, with
// what there is. A token that is taken out meanwhile is said to be absent, whatever the
// library calls it; one that is back is opened again. A library that has lost its way over
// that is loaded anew.
func (l *link) establish(ctx context.Context, offered *offer) (*connection, error) {
	for first := true; ; first = false {
		c, err := l.open(ctx, offered)
		if err == nil {
			return c, nil
		}
		if c == nil || !c.profile.doubtful(err) {
			return nil, unready(providers.Failed, err)
		}
		if gone := l.absent(ctx, c.helper); gone != nil {
			return nil, unready(providers.Absent, gone)
		}
		if !first {
			return nil, unready(providers.Failed, err)
		}
		if !resultOf(err).TokenLost() {
			l.retire(false)
		}
	}
}

// open starts the helper where there is none, chooses the token, opens sessions and logs
// in. A connection that is returned with an error shows how far it came.
func (l *link) open(ctx context.Context, offered *offer) (*connection, error) {
	h, err := l.running(ctx)
	if err != nil {
		return nil, err
	}
	slot, err := l.selectToken(ctx, h)
	if err != nil {
		if l.searched.IsZero() {
			l.searched = time.Now()
		}
		return nil, err
	}
	l.searched = time.Time{}
	c := &connection{helper: h, library: l.o.Library, slot: slot, profile: profileOf(l.o.Library, slot), mechanisms: map[uint64]frame.MechanismInfo{}}
	login := func(ctx context.Context, c *connection) error { return l.login(ctx, c, offered) }
	allowed := func(_ context.Context, c *connection) error { return l.mayLogIn(c, offered) }
	for _, step := range []func(context.Context, *connection) error{allowed, l.openSessions, login, l.readMechanisms, l.watch} {
		if err := step(ctx, c); err != nil {
			return c, err
		}
	}
	return c, nil
}

// unready marks what keeps the token from being used, unless that was done where more is
// known. A token that was taken out meanwhile is absent.
func unready(c providers.Condition, err error) error {
	if _, ok := errors.AsType[*callError](err); ok && resultOf(err).TokenLost() {
		c = providers.Absent
	}
	if marked := providers.ConditionOf(err); marked != providers.Failed {
		return err
	}
	return providers.Unready(c, err)
}

// running returns a running helper with the library loaded.
func (l *link) running(ctx context.Context) (*supervise.Helper, error) {
	if l.helper != nil {
		ended := false
		select {
		case <-l.helper.Ended():
			ended = true
		default:
		}
		if !ended && l.overloaded() {
			l.relieve()
			return l.running(ctx)
		}
		if !ended && (l.searched.IsZero() || time.Since(l.searched) < stubborn) {
			return l.helper, nil
		}
		l.retire(ended)
	}
	if wait := time.Until(l.started.Add(l.backoff)); !l.pause(wait) {
		if l.unloaded != nil {
			return nil, l.unloaded
		}
		return nil, &wire.Error{
			Status: wire.StatusHardwareFailure,
			Reason: fmt.Sprintf("the PKCS#11 helper with %s fails again and again; it is started again in %v", l.o.Library, wait.Round(time.Millisecond)),
			Remedy: "see the log for what the library said",
		}
	}
	path, err := l.o.Helper, error(nil)
	if path == "" {
		path, err = FindHelper()
	}
	var h *supervise.Helper
	if err == nil {
		h, err = supervise.Start(ctx, supervise.Options{Path: path, Logger: l.log, Event: l.event})
	}
	if err != nil {
		return nil, &wire.Error{Status: wire.StatusGenericError, Reason: err.Error(), Err: err}
	}
	l.helper, l.started, l.searched = h, time.Now(), time.Time{}
	if l.unloaded = l.load(ctx, h); l.unloaded != nil {
		l.retire(true)
		return nil, l.unloaded
	}
	return h, nil
}

// pause waits for the next start of a helper if that is soon; a request may wait so long
// as well. It reports whether the time has come.
func (l *link) pause(wait time.Duration) bool {
	const soon = 500 * time.Millisecond
	if wait > soon {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stop:
		return false
	}
}

// retire gives a helper up, and makes the next one wait if this one had a short life.
func (l *link) retire(failed bool) {
	l.helper.Close()
	l.helper = nil
	switch {
	case !failed || time.Since(l.started) > stable:
		l.backoff = 0
	case l.backoff == 0:
		l.backoff = firstBackoff
	default:
		l.backoff = min(2*l.backoff, maxBackoff)
	}
}

func (l *link) load(ctx context.Context, h *supervise.Helper) error {
	out, err := call(ctx, h, &frame.Request{
		Op: frame.OpLoad, Count: frame.Version, Flags: loadFlags(l.o.Library), Data: []byte(l.o.Library),
	}, l.o.CallLimit)
	if err == nil {
		level := slog.LevelInfo
		if c := l.health.State().Condition; c != providers.Ready && c != providers.Starting {
			level = slog.LevelDebug // it is loaded again and again until the token is there
		}
		l.log.LogAttrs(ctx, level, "pkcs11_library_loaded", slog.String("provider", l.o.Name), slog.String("library", l.o.Library),
			slog.String("description", cut(string(out.Data))), slog.Int("pid", h.PID()))
		return nil
	}
	if _, ended := errors.AsType[*supervise.Ended](err); ended {
		return failure("the PKCS#11 library "+l.o.Library+" cannot be loaded", err)
	}
	e := &wire.Error{
		Status: wire.StatusGenericError, Err: err,
		Reason: fmt.Sprintf("the PKCS#11 library %s cannot be loaded: %v", l.o.Library, err),
		Remedy: "check library_path, and that the library fits this machine's processor",
	}
	if more := misfit(l.o.Library); more != "" {
		e.Reason += "; " + more
	}
	if failed, ok := errors.AsType[*callError](err); ok && failed.result != ck.RVOK {
		if s := failed.result.Status(); s != wire.StatusCommunicationFailure { // no device was asked yet
			e.Status = s
		}
		e.Reason = fmt.Sprintf("the PKCS#11 library %s cannot be initialised: %v", l.o.Library, err)
		e.Remedy = "check the library's own configuration, and that the agent's user can read it and what it names"
	}
	return e
}

func (l *link) selectToken(ctx context.Context, h *supervise.Helper) (frame.Slot, error) {
	out, err := call(ctx, h, &frame.Request{Op: frame.OpSlots}, l.o.CallLimit)
	if err != nil {
		return frame.Slot{}, failure(fmt.Sprintf("the slots of %s cannot be listed", l.o.Library), err)
	}
	slot, warning, err := l.o.Token.choose(l.o.Library, out.Slots)
	if warning != "" && l.last() == nil {
		l.log.LogAttrs(ctx, slog.LevelWarn, "pkcs11_slot_differs", slog.String("provider", l.o.Name), slog.String("warning", warning))
	}
	if err != nil {
		err = providers.Unready(providers.Absent, err)
	}
	return slot, err
}

// openSessions opens the sessions.
func (l *link) openSessions(ctx context.Context, c *connection) error {
	n := c.profile.sessions(l.o.Sessions, c.slot.Token)
	r := &frame.Request{Op: frame.OpOpen, Count: uint32(n)} //nolint:gosec // a small number
	if c.profile.exclusive {
		r.Flags = frame.FlagExclusive
	}
	_, err := c.call(ctx, r, l.o.CallLimit)
	if err != nil {
		return failure(c.describe()+": no session can be opened", err)
	}
	return nil
}

// readMechanisms learns what the token can do.
func (l *link) readMechanisms(ctx context.Context, c *connection) error {
	out, err := c.call(ctx, &frame.Request{Op: frame.OpMechanisms}, l.o.CallLimit)
	if err != nil {
		return failure(c.describe()+": its mechanisms cannot be listed", err)
	}
	for _, m := range out.Mechanisms {
		if !slices.Contains(c.profile.absent, m.Type) {
			c.mechanisms[m.Type] = m
		}
	}
	return nil
}

func (l *link) watch(ctx context.Context, c *connection) error {
	_, err := c.call(ctx, &frame.Request{Op: frame.OpWatch}, l.o.CallLimit)
	if err != nil {
		return failure(c.describe()+": it cannot be watched", err)
	}
	return nil
}
