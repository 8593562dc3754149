package guard_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
	"github.com/seed-73b3884f/parsec-agent/server/internal/stream"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := guard.NewLimiter[int](guard.Rate{Burst: 3, PerSecond: 2}, 100)
		for i := range 3 {
			if _, ok := l.Allow(1); !ok {
				t.Fatalf("refused after %d", i)
			}
		}
		if wait, ok := l.Allow(1); ok || wait != 500*time.Millisecond {
			t.Errorf("the fourth: %v, %v", wait, ok)
		}
		if _, ok := l.Allow(2); !ok {
			t.Error("another key pays for it")
		}
		time.Sleep(500 * time.Millisecond)
		if _, ok := l.Allow(1); !ok {
			t.Error("refused after the time that was said")
		}
		if _, ok := l.Allow(1); ok {
			t.Error("two for one")
		}
		time.Sleep(time.Hour)
		for i := range 3 {
			if _, ok := l.Allow(1); !ok {
				t.Errorf("refused after an hour and %d", i)
			}
		}
		if _, ok := l.Allow(1); ok {
			t.Error("an hour saves more than the burst")
		}
	})
	for range 1000 {
		if _, ok := guard.NewLimiter[int](guard.Rate{}, 1).Allow(1); !ok {
			t.Fatal("no rate is a limit")
		}
	}
	if wait, ok := guard.NewLimiter[int](guard.Rate{PerSecond: 1e-9}, 1).Allow(1); ok || wait != time.Hour {
		t.Errorf("a burst of nothing: %v, %v", wait, ok)
	}
}

// TestLimiterIsBounded: a flood of addresses costs bounded memory, and one that goes on
// asking is not forgotten among them.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := guard.NewLimiter[int](guard.Rate{Burst: 10, PerSecond: 0.001}, 1000)
		allowed := 0
		for i := range 100_000 {
			l.Allow(i + 1)
			if i%500 == 0 {
				if _, ok := l.Allow(0); ok {
					allowed++
				}
			}
			if n := l.Remembered(); n > 2000 {
				t.Fatalf("%d keys are remembered", n)
			}
		}
		if allowed != 10 {
			t.Errorf("one key was allowed %d times of a burst of 10", allowed)
		}
	})
}

func TestOpen(t *testing.T) {
	o := guard.NewOpen(5, 2)
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	leave, _ := o.Enter(a)
	if _, ok := o.Enter(a); !ok {
		t.Error("the second is refused")
	}
	if _, ok := o.Enter(a); ok {
		t.Error("a third of one address")
	}
	if _, ok := o.EnterProxy(a); !ok {
		t.Error("a proxy is held to the limit of one address")
	}
	_, one := o.Enter(b)
	_, two := o.Enter(b)
	if _, ok := o.EnterProxy(a); !one || !two || ok || o.Count() != 5 {
		t.Errorf("%v, %v, %v, %d", one, two, ok, o.Count())
	}
	leave()
	leave() // once is enough
	if o.Count() != 4 {
		t.Errorf("%d are at work", o.Count())
	}
	six, sixes := guard.NewOpen(0, 1), []string{"2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"}
	for i, want := range []bool{true, false, true} {
		if _, ok := six.Enter(netip.MustParseAddr(sixes[i])); ok != want {
			t.Errorf("%s: %v", sixes[i], ok)
		}
	}
}

// serve starts a server whose clients come by a trusted proxy.
func serve(t *testing.T, limits guard.Limits, h http.HandlerFunc) (*guard.Guard, *httptest.Server) {
	t.Helper()
	g := guard.New(limits, func(r *http.Request) bool { return r.URL.Path == "/stream" }, quiet())
	s := httptest.NewServer(guard.Clients(trusted(t, "localhost"), g.Handler(h)))
	t.Cleanup(s.Close)
	return g, s
}

// get asks as a client and returns status and Retry-After.
func get(t *testing.T, s *httptest.Server, path, addr string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if addr != "" {
		r.Header.Set("X-Forwarded-For", addr)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Retry-After")
}

func TestRatePerAddress(t *testing.T) {
	limits := guard.Limits{PerAddress: guard.Rate{Burst: 2, PerSecond: 0.01}}
	g, s := serve(t, limits, func(http.ResponseWriter, *http.Request) {})
	for i, want := range []int{200, 200, 503, 503} {
		status, again := get(t, s, "/", "1.2.3.4")
		if seconds, err := strconv.Atoi(again); status != want || want == 503 && (err != nil || seconds < 1 || seconds > 100) {
			t.Errorf("request %d: %d, Retry-After %q", i, status, again)
		}
	}
	if status, _ := get(t, s, "/", "1.2.3.5"); status != 200 {
		t.Errorf("another address: %d", status)
	}
	for range 5 {
		if status, _ := get(t, s, "/", ""); status != 200 {
			t.Errorf("the proxy itself: %d", status)
		}
	}
	if n := g.Refused.Address.Load(); n != 2 {
		t.Errorf("%d refusals are counted", n)
	}
}

func TestRatePerOrganization(t *testing.T) {
	one, err := trust.NewOrganizationID("one")
	if err != nil {
		t.Fatal(err)
	}
	var g *guard.Guard
	g, s := serve(t, guard.Limits{PerOrganization: guard.Rate{Burst: 2, PerSecond: 0.01}}, func(w http.ResponseWriter, r *http.Request) {
		if g.AllowOrganization(w, r, one) {
			w.WriteHeader(http.StatusNoContent)
		}
	})
	for i, want := range []int{204, 204, 503} {
		if status, _ := get(t, s, "/", "1.2.3."+strconv.Itoa(i)); status != want {
			t.Errorf("request %d: %d", i, status)
		}
	}
	if n := g.Refused.Organization.Load(); n != 1 {
		t.Errorf("%d refusals are counted", n)
	}
}

// TestOpenRequests: what is at work is bounded, and streams do not take the place of
// requests.
func TestOpenRequests(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{}, 10)
	limits := guard.Limits{Requests: 3, RequestsPerAddress: 2, Streams: 1}
	g, s := serve(t, limits, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/quick" {
			entered <- struct{}{}
			<-release
		}
	})
	var wg sync.WaitGroup
	for _, c := range [][2]string{{"/slow", "1.1.1.1"}, {"/slow", "1.1.1.1"}, {"/stream", "1.1.1.1"}} {
		wg.Go(func() { get(t, s, c[0], c[1]) })
		<-entered
	}
	for _, c := range []struct {
		path, addr string
		want       int
	}{
		{"/quick", "1.1.1.1", 503}, {"/quick", "2.2.2.2", 200}, {"/stream", "2.2.2.2", 503}, {"/quick", "", 200},
	} {
		if status, _ := get(t, s, c.path, c.addr); status != c.want {
			t.Errorf("%s of %q: %d, want %d", c.path, c.addr, status, c.want)
		}
	}
	if requests, streams := g.Open(); requests != 2 || streams != 1 {
		t.Errorf("%d requests and %d streams are open", requests, streams)
	}
	close(release)
	wg.Wait()
	if status, _ := get(t, s, "/quick", "1.1.1.1"); status != 200 {
		t.Errorf("afterwards: %d", status)
	}
	if requests, streams := g.Open(); requests != 0 || streams != 0 {
		t.Errorf("%d requests and %d streams are open", requests, streams)
	}
}

// TestStreamThatLasts: a stream whose handler has returned counts until it has ended, once.
func TestStreamThatLasts(t *testing.T) {
	ended := make(chan func(int64), 1)
	g, s := serve(t, guard.Limits{Streams: 5, StreamsPerAddress: 1}, func(w http.ResponseWriter, r *http.Request) {
		if l, ok := w.(stream.Lasting); ok && r.Header.Get("X-Forwarded-For") == "1.1.1.1" {
			ended <- l.Last()
		}
	})
	if status, _ := get(t, s, "/stream", "1.1.1.1"); status != 200 {
		t.Fatal(status)
	}
	end := <-ended
	if status, _ := get(t, s, "/stream", "1.1.1.1"); status != 503 {
		t.Errorf("a second stream of the address: %d", status)
	}
	if status, _ := get(t, s, "/stream", "2.2.2.2"); status != 200 {
		t.Errorf("a stream of another address: %d", status)
	}
	if _, streams := g.Open(); streams != 1 {
		t.Errorf("%d streams are open", streams)
	}
	end(0)
	end(0)
	if _, streams := g.Open(); streams != 0 {
		t.Errorf("%d streams are open at the end", streams)
	}
}

// TestSlowBody: who does not send the body is not waited for; who listens to a stream is,
// on the same connection.
func TestSlowBody(t *testing.T) {
	read := make(chan error, 1)
	limits := guard.Limits{Time: 300 * time.Millisecond}
	_, s := serve(t, limits, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/stream":
			for end := time.Now().Add(2 * limits.Time); time.Now().Before(end); {
				_, _ = io.WriteString(w, ":")
				_ = http.NewResponseController(w).Flush() // the test counts what comes
				<-time.After(limits.Time / 4)
			}
		case "/body":
			_, err := io.ReadAll(r.Body)
			read <- err
		case "/wait":
			<-r.Context().Done()
			read <- r.Context().Err()
		}
	})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for path, want := range map[string]string{"/": "", "/stream": "::"} {
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || !strings.HasPrefix(string(body), want) {
			t.Errorf("%s: %q, %v", path, body, err)
		}
		_ = answer.Body.Close() // it was read
	}
	if _, err := io.WriteString(c, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"); err != nil {
		t.Fatal(err)
	}
	var late net.Error
	if err := <-read; !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("the body was waited for: %v", err)
	}
	if status, _ := get(t, s, "/wait", ""); status != 200 { // an answer still gets through
		t.Errorf("a handler that gave up: %d", status)
	}
	if err := <-read; err == nil {
		t.Error("the handler was waited for")
	}
}

func TestListener(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var refused guard.Counter
	l := guard.Listen(raw, guard.Connections{Open: guard.NewOpen(3, 2), Refused: &refused})
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", raw.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	first := <-accepted
	dial()
	second := <-accepted
	third := dial()
	if _, err := third.Read(make([]byte, 1)); err == nil || refused.Load() != 1 {
		t.Errorf("a third connection of one address: %v, %d refused", err, refused.Load())
	}
	if err := errors.Join(first.Close()); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // twice counts once
	dial()
	third2 := <-accepted
	_ = errors.Join(second.Close(), third2.Close(), l.Close())
	<-accepted // closed
}
