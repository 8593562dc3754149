package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// NoticeKind says what a [Listener] has to tell.
type NoticeKind uint8

// Kinds of notices.
const (
	// NoticeOnline: the stream delivers.
	NoticeOnline NoticeKind = iota + 1
	// NoticeOffline: the stream does not deliver any longer, or not yet; Err says why. It will be tried again.
	NoticeOffline
	// NoticeMissed: events may be lost, and are when a stream is not the continuation of one before. Everything is to be asked for again.
	NoticeMissed
	// NoticeEvent: something happened.
	NoticeEvent
)

// Notice is what a listener tells.
type Notice struct {
	Kind  NoticeKind
	Event EventsListenRep
	Err   error
}

// Listener follows the events of a device, whose stream alone decides whether it is online.
type Listener struct {
	caller *Caller
	notify func(Notice)
	wake   chan struct{}
	// last is the event after which to go on.
	last *EventID
	// keepAlive is how often the server says that it is there, 0 if it does not.
	keepAlive time.Duration
	retry     time.Duration
	// waits are the waits before attempts, the last of them from then on.
	waits []time.Duration
}

// Listener returns a listener for a caller with a device. It calls notify from within Run; while notify runs, nothing is read,
// and a server keeps 100 events for a client before it ends the stream.
func (c *Caller) Listener(notify func(Notice)) *Listener {
	const second = time.Second
	return &Listener{
		caller: c, notify: notify, wake: make(chan struct{}, 1),
		waits: []time.Duration{0, second, 5 * second, 10 * second, 30 * second, 60 * second},
	}
}

// Bounds of silence. A server whose keep-alive is off may still be there: the stream is opened anew now and then.
const (
	silenceAtFirst = time.Minute
	silenceAtMost  = time.Hour
	silenceIfOff   = 10 * time.Minute
)

// errSilence ends a stream that nothing comes from.
var errSilence = errors.New("the server has not said that it is there")

// Wake ends the wait for the next attempt, for instance after the terms of service were accepted.
func (l *Listener) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run listens until the context ends, or until the server says what waiting does not change: the organisation is gone or has expired, the user is
// revoked, the credentials or the clock are wrong, the versions do not fit. What may change by itself is waited for: a server that cannot be reached or
// fails, a user that is frozen, terms of service that must be accepted. Run may be called again, and then goes on after the last event.
func (l *Listener) Run(ctx context.Context) error {
	if !l.caller.is(Authenticated) {
		return ErrCaller
	}
	for failures := 0; ; failures++ {
		if err := l.wait(ctx, failures); err != nil {
			return err
		}
		delivered, err := l.stream(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !passing(err) {
			return err
		}
		if delivered {
			failures = 0 // and 1 from now on: a server that ends every stream at once is not called without pause
		}
		l.notify(Notice{Kind: NoticeOffline, Err: err})
	}
}

// passing reports whether waiting may help.
func passing(err error) bool {
	if e := (*HTTPError)(nil); errors.As(err, &e) {
		return e.Status >= http.StatusInternalServerError || errors.Is(err, ErrOffline) || errors.Is(err, ErrUserFrozen) || errors.Is(err, ErrMustAcceptTOS)
	}
	return errors.Is(err, ErrOffline) || errors.Is(err, ErrStream)
}

// wait waits before an attempt. A wait that the server asked for replaces ours.
func (l *Listener) wait(ctx context.Context, failures int) error {
	d := jitter(l.waits[min(failures, len(l.waits)-1)])
	if l.retry > 0 && failures > 0 {
		d = l.retry
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
	case <-l.wake:
	}
	return nil
}

// stream listens to one connection; delivered reports whether anything came.
func (l *Listener) stream(ctx context.Context) (delivered bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(silenceAtFirst, func() { cancel(fmt.Errorf("%w: %w", ErrOffline, errSilence)) })
	defer silence.Stop()
	fresh := l.last == nil
	resp, err := l.open(ctx)
	if err != nil {
		return false, orCause(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	r := NewEventReader(resp.Body)
	for {
		f, err := r.Next()
		if err != nil {
			if !errors.Is(err, ErrStream) {
				err = fmt.Errorf("%w: the stream ended: %w", ErrOffline, err)
			}
			return delivered, orCause(ctx, err)
		}
		if !delivered {
			delivered = true
			l.notify(Notice{Kind: NoticeOnline})
			if fresh {
				l.notify(Notice{Kind: NoticeMissed})
			}
		}
		l.frame(f)
		l.retry = r.Retry()
		silence.Reset(l.limit())
	}
}

// orCause prefers the reason for which we ended the stream ourselves.
func orCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// open opens the stream after the last event.
func (l *Listener) open(ctx context.Context) (*http.Response, error) {
	c := l.caller
	req, err := c.request(ctx, http.MethodGet, Authenticated.path(c.organization)+"/events")
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", ContentEvents)
	if l.last != nil {
		req.Header.Set(HeaderLastEventID, l.last.String())
	}
	return c.client.roundTrip(c.client.streams, req)
}

// frame passes on what came.
func (l *Listener) frame(f Frame) {
	switch f.Kind {
	case FrameEvent:
		if config, ok := f.Event.(*EventOrganizationConfig); ok {
			l.keepAlive = keepAliveOf(config)
		}
		l.notify(Notice{Kind: NoticeEvent, Event: f.Event})
	case FrameMissed, FrameUnknown:
		l.notify(Notice{Kind: NoticeMissed, Err: f.Err})
	case FrameKeepAlive:
	}
	if f.ID != nil {
		l.last = f.ID
	}
}

func keepAliveOf(config *EventOrganizationConfig) time.Duration {
	if config.SSEKeepaliveSeconds == nil {
		return 0
	}
	return time.Duration(min(*config.SSEKeepaliveSeconds, uint64(silenceAtMost/time.Second))) * time.Second
}

// limit is how long the stream may be silent: 1.2 times what the server announced.
func (l *Listener) limit() time.Duration {
	if l.keepAlive == 0 {
		return silenceIfOff
	}
	return l.keepAlive * 6 / 5
}
