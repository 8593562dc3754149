package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// send writes a frame at once.
func send(w http.ResponseWriter, frame string) {
	_, _ = io.WriteString(w, frame)
	_ = http.NewResponseController(w).Flush()
}

// config is the first frame of a stream.
func config(t *testing.T, keepAlive uint64) string {
	t.Helper()
	c := &EventOrganizationConfig{}
	if keepAlive > 0 {
		c.SSEKeepaliveSeconds = &keepAlive
	}
	return event(t, c, nil)
}

func event(t *testing.T, rep EventsListenRep, id *EventID) string {
	t.Helper()
	frame, err := EventFrame(rep, id)
	if err != nil {
		t.Error(err)
	}
	return string(frame)
}

// listener follows the server; every notice is a line of text.
func (p *peer) listener(t *testing.T) (l *Listener, lines chan string) {
	t.Helper()
	lines = make(chan string, 100)
	caller := p.client(t, Options{}).Device(organization(t), trust.NewDeviceID(), trust.GenerateSigningKey())
	l = caller.Listener(func(n Notice) {
		text := map[NoticeKind]string{NoticeOnline: "online", NoticeOffline: "offline", NoticeMissed: "missed", NoticeEvent: "event"}[n.Kind]
		if n.Event != nil {
			text = fmt.Sprintf("%T", n.Event)[len("*cloud.Event"):]
		}
		lines <- text
	})
	l.waits = []time.Duration{time.Millisecond}
	return l, lines
}

// expect waits for notices in this order.
func expect(t *testing.T, lines chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-lines:
			if got != w {
				t.Fatalf("%s instead of %s", got, w)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("no %s", w)
		}
	}
}

// run listens until the test says stop.
func run(t *testing.T, l *Listener) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() error {
		cancel()
		return <-done
	}
}

// TestListener: resumption after the last event, frames of all kinds, an end of the stream, and a stop.
func TestListener(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	id, stop := EventID{9}, make(chan struct{})
	p.events = func(w http.ResponseWriter, r *http.Request, h *Handshake) {
		w.Header().Set("Content-Type", ContentEvents+"; charset=utf-8")
		switch p.calls.Load() {
		case 1: // no event with an id
			send(w, config(t, 30))
		case 2:
			if h.LastEvent != nil {
				t.Error("something was named")
			}
			send(w, config(t, 30)+event(t, &EventAsyncEnrollment{}, &id)+KeepAliveFrame)
		case 3:
			w.WriteHeader(http.StatusBadGateway)
		case 4:
			if h.LastEvent == nil || *h.LastEvent != id {
				t.Errorf("after %v", h.LastEvent)
			}
			send(w, config(t, 30)+MissedEventsFrame+"event:new\ndata:\n\n"+event(t, &EventPinged{Ping: "x"}, nil))
			select {
			case <-stop:
			case <-r.Context().Done():
			}
		}
	}
	l, lines := p.listener(t)
	end := run(t, l)
	expect(t, lines, "online", "missed", "OrganizationConfig", "offline")
	expect(t, lines, "online", "missed", "OrganizationConfig", "AsyncEnrollment", "offline")
	expect(t, lines, "offline")
	expect(t, lines, "online", "OrganizationConfig", "missed", "missed", "Pinged")
	close(stop)
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestListenerSilence: a server that says nothing for longer than it announced is not there.
func TestListenerSilence(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	p.events = func(w http.ResponseWriter, r *http.Request, _ *Handshake) {
		send(w, config(t, 1))
		<-r.Context().Done()
	}
	l, lines := p.listener(t)
	end := run(t, l)
	expect(t, lines, "online", "missed", "OrganizationConfig", "offline", "online")
	_ = end()
}

// TestListenerRefusals: what ends the listener, and what it waits for.
func TestListenerRefusals(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	answer := atomic.Int32{}
	p.events = func(w http.ResponseWriter, _ *http.Request, _ *Handshake) { Refuse(w, HTTPStatus(answer.Load())) }
	for status := range statusErrors {
		answer.Store(int32(status))
		l, lines := p.listener(t)
		waits := slices.Contains([]HTTPStatus{StatusMustAcceptTOS, StatusUserFrozen, StatusStopping, StatusNoRedirection, 429, 502, 504}, status)
		if !waits {
			if err := l.Run(t.Context()); !errors.Is(err, statusErrors[status]) || len(lines) > 0 {
				t.Errorf("%d: %v, %d notices", status, err, len(lines))
			}
			continue
		}
		end := run(t, l)
		expect(t, lines, "offline", "offline")
		_ = end()
	}
	server := p.client(t, Options{}).Server()
	if err := server.Listener(nil).Run(t.Context()); !errors.Is(err, ErrCaller) {
		t.Error(err)
	}
}

// TestListenerWake: a wait ends when somebody says so.
func TestListenerWake(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	p.events = func(w http.ResponseWriter, _ *http.Request, _ *Handshake) {
		if p.calls.Load() == 1 {
			Refuse(w, StatusMustAcceptTOS)
			return
		}
		send(w, config(t, 30))
	}
	l, lines := p.listener(t)
	l.waits = []time.Duration{0, time.Hour}
	end := run(t, l)
	expect(t, lines, "offline")
	l.Wake()
	expect(t, lines, "online")
	_ = end()
}

func TestListenerWaits(t *testing.T) {
	p := newPeer(t, httptest.NewServer)
	caller := p.client(t, Options{}).Device(organization(t), trust.NewDeviceID(), trust.GenerateSigningKey())
	l := caller.Listener(func(Notice) {})
	for i, want := range []float64{0, 1, 5, 10, 30, 60} {
		if l.waits[i].Seconds() != want {
			t.Errorf("wait %d is %v", i, l.waits[i])
		}
	}
	most := uint64(1 << 40)
	l.keepAlive = keepAliveOf(&EventOrganizationConfig{SSEKeepaliveSeconds: &most})
	if l.limit() != silenceAtMost*6/5 {
		t.Error(l.limit())
	}
	if l.keepAlive = keepAliveOf(&EventOrganizationConfig{}); l.limit() != silenceIfOff {
		t.Error(l.limit())
	}
	for range 1000 {
		if d := jitter(time.Second); d < time.Second/2 || d > time.Second {
			t.Fatal(d)
		}
	}
}
