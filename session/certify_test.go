package session_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestBounds: bounds that a server names are believed as far as an honest one has them, and not for ever.
func TestBounds(t *testing.T) {
	w, p := proxied(t)
	now := must(trust.DateTimeOf(w.org.Clock.Now()))
	for name, c := range map[string]struct {
		answer func(n int) cloud.Reply
		want   error
		times  []time.Duration
	}{
		"far ahead": {func(int) cloud.Reply {
			return &cloud.RequireGreaterTimestamp{StrictlyGreaterThan: now.Add(621 * time.Second)}
		}, session.ErrClock, []time.Duration{0}},
		"a little ahead": {func(n int) cloud.Reply {
			if n == 1 {
				return &cloud.RequireGreaterTimestamp{StrictlyGreaterThan: now.Add(time.Second)}
			}
			return &cloud.OK{}
		}, nil, []time.Duration{0, time.Second + session.UserGap}},
		"long ago": {func(n int) cloud.Reply {
			if n == 1 {
				return &cloud.RequireGreaterTimestamp{StrictlyGreaterThan: now.Add(-time.Hour)}
			}
			return &cloud.OK{}
		}, nil, []time.Duration{0, 0}},
		"again and again": {func(n int) cloud.Reply {
			return &cloud.RequireGreaterTimestamp{StrictlyGreaterThan: now.Add(time.Duration(n) * time.Second)}
		}, session.ErrBusy, nil},
		"another clock": {func(int) cloud.Reply {
			return &cloud.TimestampOutOfBallpark{ClientTimestamp: now, ServerTimestamp: now.Add(time.Hour)}
		}, session.ErrClock, []time.Duration{0}},
		"another status": {func(int) cloud.Reply { return &cloud.AuthorNotAllowed{} }, nil, []time.Duration{0}},
	} {
		asked, times := 0, []time.Duration{}
		p.Meddle(func(rw http.ResponseWriter, _ *sessiontest.Request) bool {
			asked++
			sessiontest.Reply(rw, c.answer(asked))
			return true
		})
		_, err := session.Certify(t.Context(), w.Session, session.UserGap, func(_ *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {
			times = append(times, at.Time().Sub(now.Time()))
			return &cloud.UserRevokeReq{RevokedUserCertificate: []byte("signed")}, nil
		})
		if !errors.Is(err, c.want) || c.times != nil && !slices.Equal(times, c.times) || len(times) > 8 {
			t.Errorf("%s: %v at %v", name, err, times)
		}
	}
	refused := errors.New("not this one")
	_, err := session.Certify(t.Context(), w.Session, session.UserGap, func(*trust.LocalDevice, trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {
		return nil, refused
	})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
}

// TestWatchersThatSleep: who does not keep up is told so, gets what comes then, and costs no more than its queue.
func TestWatchersThatSleep(t *testing.T) {
	w, _ := proxied(t)
	events := w.Watch(t.Context())
	for range 1000 {
		w.Tell(session.Heard{Event: &cloud.EventPinged{}})
	}
	w.Tell(session.Heard{Event: &cloud.EventAsyncEnrollment{}})
	w.close()
	n, missed, last := 0, 0, session.Event(nil)
	for e := range events {
		n++
		if _, ok := e.(session.Missed); ok {
			missed++
		}
		if _, ok := e.(session.StatusChanged); !ok {
			last = e
		}
	}
	if h, ok := last.(session.Heard); !ok || n > 300 || missed == 0 {
		t.Errorf("%d events, %d times missed, the last is %v", n, missed, last)
	} else if _, ok := h.Event.(*cloud.EventAsyncEnrollment); !ok {
		t.Errorf("the last is %T", h.Event)
	}
	for range w.Watch(t.Context()) {
		t.Error("an event of a closed session")
	}
}
