package stream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// taking is a writer whose connection can be taken over.
type taking struct {
	*httptest.ResponseRecorder

	conn net.Conn
}

func (w *taking) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.conn, nil, nil }

// piped is a stream over a pipe, whose writes wait for the reader.
func piped(g *Group, s Source, o Options) (listener net.Conn, ended chan int64) {
	listener, conn := net.Pipe()
	ended = make(chan int64, 1)
	g.Serve(&counting{&taking{httptest.NewRecorder(), conn}, ended}, httptest.NewRequest(http.MethodGet, "/", http.NoBody), s, o)
	return listener, ended
}

// TestKeepAlive: after each silence, and only then.
func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := &Group{}, &told{}
		listener, ended := piped(g, s, Options{First: []string{"first"}, KeepAlive: 30 * time.Second, Alive: "alive"})
		begin, in := time.Now(), bufio.NewReader(listener)
		a, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		next := func(want string, at time.Duration) {
			t.Helper()
			wants(t, a.Body, want)
			if took := time.Since(begin); took != at {
				t.Errorf("%s after %v, want %v", want, took, at)
			}
		}
		next("first", 0)
		next("alive", 30*time.Second)
		time.Sleep(20 * time.Second)
		s.say("event")
		next("event", 50*time.Second)
		next("alive", 80*time.Second)
		if _, err := listener.Write([]byte("a listener that talks is silence too")); err != nil {
			t.Fatal(err)
		}
		next("alive", 110*time.Second)
		s.say()
		if b, err := io.ReadAll(a.Body); len(b) != 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
		if n := <-ended; n != int64(len("firstaliveeventalivealive")) {
			t.Errorf("%d bytes", n)
		}
		_ = a.Body.Close() // it was read
	})
}

// TestSilence: without keep-alives nothing is sent, however long nothing happens.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := &Group{}, &told{}
		listener, _ := piped(g, s, Options{First: []string{"first"}, Alive: "alive"})
		go func() {
			time.Sleep(24 * time.Hour)
			s.say()
		}()
		b, err := io.ReadAll(listener)
		if err != nil || !strings.HasSuffix(string(b), "\r\n\r\n5\r\nfirst\r\n0\r\n\r\n") {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// TestSlow: who takes too long for a frame is cut off, and told nothing that looks like an end.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := &Group{}, &told{}
		begin := time.Now()
		listener, ended := piped(g, s, Options{First: []string{"first"}})
		if _, err := listener.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		s.say("more")
		<-ended
		if took := time.Since(begin); took != frameTime || !s.closed {
			t.Errorf("after %v, closed %t", took, s.closed)
		}
		if b, err := io.ReadAll(listener); len(b) != 0 || err != nil {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// TestShutdown: streams whose sources have ended send what waits, whole; the rest is cut off when the time is over, and nobody comes in.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, good, stuck, deaf := &Group{}, &told{}, &told{}, &told{}
		reader, _ := piped(g, good, Options{First: []string{"first"}})
		silent, stuckEnded := piped(g, stuck, Options{First: []string{"first"}})
		_, deafEnded := piped(g, deaf, Options{First: []string{"first"}})
		if _, err := silent.Read(make([]byte, 1000)); err != nil { // its source does not end
			t.Fatal(err)
		}
		all := make(chan string)
		go func() {
			b, _ := io.ReadAll(reader)
			all <- string(b)
		}()
		good.say("x", "last")
		good.say()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		g.Shutdown(ctx)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("after %v", took)
		}
		<-stuckEnded
		<-deafEnded
		if got := <-all; !strings.HasSuffix(got, "1\r\nx\r\n4\r\nlast\r\n0\r\n\r\n") {
			t.Errorf("%q", got)
		}
		late := &told{}
		listener, ended := piped(g, late, Options{First: []string{"first"}})
		<-ended
		if _, err := listener.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || !late.closed {
			t.Errorf("%v, closed %t", err, late.closed)
		}
		g.Shutdown(ctx) // once more is nothing
		if len(g.open) != 0 {
			t.Errorf("%d are open", len(g.open))
		}
	})
}

// TestClose: streams are cut off at once, and what they told has an end.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := &Group{}, &told{}
		listener, ended := piped(g, s, Options{First: []string{"first"}})
		if _, err := listener.Read(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		g.Close()
		<-ended
		if b, err := io.ReadAll(listener); len(b) != 0 || err != nil || time.Since(begin) != 0 || !s.closed {
			t.Errorf("%q, %v, after %v, closed %t", b, err, time.Since(begin), s.closed)
		}
	})
}

// TestNothingToSay: a stream with nothing to say first says that it lives.
func TestNothingToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, s := &Group{}, &told{}
		listener, _ := piped(g, s, Options{Alive: "alive"})
		s.say()
		if b, err := io.ReadAll(listener); err != nil || !strings.HasSuffix(string(b), "\r\n\r\n5\r\nalive\r\n0\r\n\r\n") {
			t.Errorf("%q, %v", b, err)
		}
	})
}
