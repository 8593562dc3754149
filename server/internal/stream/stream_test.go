package stream

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long something that must happen is waited for.
const patience = 20 * time.Second

// told is a source that a test tells what to say.
type told struct {
	mu     sync.Mutex // guards the fields below
	frames []string
	over   bool
	wake   func()
	closed bool
}

func (s *told) Next() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.frames) == 0 {
		return "", s.over
	}
	frame := s.frames[0]
	s.frames = s.frames[1:]
	return frame, false
}

func (s *told) Notify(wake func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = wake
}

func (s *told) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// say adds frames, and none as the end.
func (s *told) say(frames ...string) {
	s.mu.Lock()
	s.frames, s.over = append(s.frames, frames...), len(frames) == 0
	wake := s.wake
	s.mu.Unlock()
	if wake != nil {
		wake()
	}
}

// served is a server with one kind of stream.
type served struct {
	group   Group
	source  told
	http    *httptest.Server
	options Options
	// returned gets the protocol of a request whose handler has returned, ended the bytes of a stream that has ended.
	returned chan string
	ended    chan int64
}

// counting is a writer that must know when a response has ended.
type counting struct {
	http.ResponseWriter

	ended chan int64
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *counting) Last() func(int64) { return func(n int64) { c.ended <- n } }

func start(t *testing.T, secure bool) *served {
	t.Helper()
	s := &served{options: Options{First: []string{"data:first\n\n"}, Alive: ":\n\n"}, returned: make(chan string, 10), ended: make(chan int64, 10)}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		s.group.Serve(&counting{w, s.ended}, r, &s.source, s.options)
		s.returned <- r.Proto
	}))
	s.http.EnableHTTP2 = true
	if secure {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(func() {
		s.source.say()
		s.http.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.group.Shutdown(ctx)
		if ctx.Err() != nil {
			t.Error("streams do not end")
		}
	})
	return s
}

// dial sends a request by hand.
func (s *served) dial(t *testing.T, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

const get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

// wants reads what must come next.
func wants(t *testing.T, r io.Reader, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(r, b); err != nil || string(b) != want {
		t.Fatalf("%q came and not %q: %v", b[:n], want, err)
	}
}

// wait waits for what must happen.
func wait[V any](t *testing.T, c <-chan V) (v V) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing happens")
	}
	return v
}

// TestWire: what goes over the connection, to the byte, and the end of it.
func TestWire(t *testing.T) {
	s := start(t, false)
	_, in := s.dial(t, get)
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "Date: ") {
			if _, err := http.ParseTime(strings.TrimSpace(line[6:])); err != nil {
				t.Error(err)
			}
			continue
		}
		head += line
	}
	if want := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"; head != want {
		t.Errorf("%q", head)
	}
	wants(t, in, "c\r\ndata:first\n\n\r\n")
	wait(t, s.returned)
	long := "data:" + strings.Repeat("x", 300) + "\n\n"
	s.source.say("a", long)
	wants(t, in, "1\r\na\r\n133\r\n"+long+"\r\n")
	s.source.say("b")
	s.source.say()
	wants(t, in, "1\r\nb\r\n0\r\n\r\n")
	if b, err := io.ReadAll(in); len(b) != 0 || err != nil {
		t.Errorf("after the end: %q, %v", b, err)
	}
	if n := wait(t, s.ended); n != int64(len("data:first\n\nab"+long)) || !s.source.closed {
		t.Errorf("%d bytes, closed %t", n, s.source.closed)
	}
}

// TestProtocols: every client reads it, and takes the end for one. Where the connection is not one of this response alone the handler stays.
func TestProtocols(t *testing.T) {
	for name, c := range map[string]struct {
		secure, second, body bool
		wantProto            string
		wantTaken            bool
	}{
		"plain":          {wantProto: "HTTP/1.1", wantTaken: true},
		"TLS":            {secure: true, wantProto: "HTTP/1.1", wantTaken: true},
		"HTTP/2":         {secure: true, second: true, wantProto: "HTTP/2.0"},
		"request's body": {body: true, wantProto: "HTTP/1.1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, c.secure)
			client := s.http.Client()
			transport, ok := client.Transport.(*http.Transport)
			if !ok {
				t.Fatal("no transport")
			}
			transport.Protocols = &http.Protocols{}
			transport.Protocols.SetHTTP1(!c.second)
			transport.Protocols.SetHTTP2(c.second)
			body := io.Reader(http.NoBody)
			if c.body {
				body = strings.NewReader("x")
			}
			q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			a, err := client.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = a.Body.Close() }()
			if a.Proto != c.wantProto || a.Header.Get("Content-Type") != "text/event-stream" || a.ContentLength != -1 {
				t.Errorf("%s, %v, %d", a.Proto, a.Header, a.ContentLength)
			}
			if c.wantTaken {
				wait(t, s.returned)
			}
			wants(t, a.Body, s.options.First[0])
			s.source.say("data:x\n\n")
			wants(t, a.Body, "data:x\n\n")
			if !c.wantTaken && len(s.returned) > 0 {
				t.Error("the handler has returned")
			}
			s.source.say("data:y\n\n")
			s.source.say()
			wants(t, a.Body, "data:y\n\n")
			if b, err := io.ReadAll(a.Body); len(b) != 0 || err != nil {
				t.Errorf("at the end: %q, %v", b, err)
			}
			if c.wantTaken {
				wait(t, s.ended)
			} else {
				wait(t, s.returned)
			}
		})
	}
}

// TestOldProtocol: HTTP/1.0 knows no chunks.
func TestOldProtocol(t *testing.T) {
	s := start(t, false)
	_, in := s.dial(t, "GET / HTTP/1.0\r\nHost: h\r\n\r\n")
	s.source.say("data:x\n\n")
	s.source.say()
	if b, err := io.ReadAll(in); err != nil || !strings.HasSuffix(string(b), "\r\n\r\ndata:first\n\ndata:x\n\n") {
		t.Errorf("%q, %v", b, err)
	}
	wait(t, s.returned)
}

// TestListenerGoes: it is noticed at once, though nothing is sent.
func TestListenerGoes(t *testing.T) {
	s := start(t, false)
	c, in := s.dial(t, get)
	if _, err := http.ReadResponse(in, nil); err != nil { //nolint:bodyclose // the connection is closed
		t.Fatal(err)
	}
	if len(s.ended) > 0 {
		t.Error("it has ended")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wait(t, s.ended)
}

// TestListenerTalks: what a listener says, before or later, is not answered and does not disturb, until it is too much.
func TestListenerTalks(t *testing.T) {
	s := start(t, false)
	c, in := s.dial(t, get+get)
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	wants(t, a.Body, s.options.First[0])
	for range 3 {
		if _, err := io.WriteString(c, get); err != nil {
			t.Fatal(err)
		}
		s.source.say("data:x\n\n")
		wants(t, a.Body, "data:x\n\n")
	}
	if _, err := c.Write(make([]byte, maxHeard+1)); err != nil {
		t.Fatal(err)
	}
	wait(t, s.ended)
	if b, err := io.ReadAll(a.Body); len(b) != 0 || err == nil {
		t.Errorf("%q came, and %v", b, err)
	}
	if len(s.returned) != 1 {
		t.Errorf("%d requests were answered", len(s.returned))
	}
}
