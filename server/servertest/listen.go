package servertest

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// patience is how long a test waits for an event that must come.
const patience = 20 * time.Second

// Stream is a stream of events that is open.
type Stream struct {
	frames chan string
	cancel context.CancelFunc
	t      testing.TB
}

// ListenRequest makes the request for a stream, which goes on after an event if last names one.
func (d *Device) ListenRequest(last string) *Request {
	h := http.Header{cloud.HeaderVersion: {cloud.Current.String()}, "Accept": {cloud.ContentEvents}, "Authorization": {d.Token()}}
	if last != "" {
		h.Set(cloud.HeaderLastEventID, last)
	}
	return &Request{Method: http.MethodGet, Path: "/authenticated/" + url.PathEscape(d.Org.ID.String()) + "/events", Header: h}
}

// Listen opens a stream, which ends with the test, and reads its first frame: the organisation's configuration.
func (d *Device) Listen(last string) *Stream {
	t := d.Org.t
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := d.ListenRequest(last)
	q, err := http.NewRequestWithContext(ctx, r.Method, d.Org.URL+r.Path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header = r.Header
	p, err := http.DefaultClient.Do(q) //nolint:bodyclose // the goroutine below does
	if err != nil {
		t.Fatal(err)
	}
	if p.StatusCode != http.StatusOK {
		t.Fatalf("HTTP status %d", p.StatusCode)
	}
	s := &Stream{frames: make(chan string, 4096), cancel: cancel, t: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(s.frames)
		defer func() { _ = p.Body.Close() }()
		lines, frame := bufio.NewReaderSize(p.Body, 1<<20), strings.Builder{}
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if line != "\n" {
				frame.WriteString(line)
				continue
			}
			s.frames <- frame.String()
			frame.Reset()
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	if e, ok := s.Event().(*cloud.EventOrganizationConfig); !ok {
		t.Fatalf("the first event is %T", e)
	}
	return s
}

// Frame returns the next frame.
func (s *Stream) Frame() string {
	s.t.Helper()
	select {
	case f, ok := <-s.frames:
		if !ok {
			s.t.Fatal("the stream has ended")
		}
		return f
	case <-time.After(patience):
		s.t.Fatal("no event came")
	}
	return ""
}

// Event returns the next event.
func (s *Stream) Event() cloud.EventsListenRep {
	s.t.Helper()
	frame, err := cloud.NewEventReader(strings.NewReader(s.Frame() + "\n")).Next()
	if err != nil {
		s.t.Fatal(err)
	}
	return frame.Event
}

// Ended wants the server to end the stream, whatever it sends before.
func (s *Stream) Ended() {
	s.t.Helper()
	for late := time.After(patience); ; {
		select {
		case _, ok := <-s.frames:
			if !ok {
				return
			}
		case <-late:
			s.t.Fatal("the stream goes on")
		}
	}
}

// Await returns the next event of a kind; others may come before.
func Await[E cloud.EventsListenRep](s *Stream) E {
	s.t.Helper()
	for {
		if e, ok := s.Event().(E); ok {
			return e
		}
	}
}

// Frames are what comes, closed when the stream has ended.
func (s *Stream) Frames() <-chan string { return s.frames }
