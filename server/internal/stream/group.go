package stream

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Group is the streams of a server. The zero value has none.
type Group struct {
	mu      sync.Mutex // guards the fields below, and running against being added to once it is waited for
	closed  bool
	open    map[*taken]struct{}
	running sync.WaitGroup
}

// Options are what a stream is beside its source.
type Options struct {
	// First are the frames to send first; if there are none, the stream says that it lives.
	First []string
	// KeepAlive is the silence after which a stream says that it lives, 0 for never; Alive is what it says.
	KeepAlive time.Duration
	Alive     string
}

// Serve answers a request with what a source says until one side has enough, and closes the source. Headers are the caller's. Where it takes the connection
// over it returns at once.
func (g *Group) Serve(w http.ResponseWriter, r *http.Request, s Source, o Options) {
	if len(o.First) == 0 {
		o.First = []string{o.Alive}
	}
	if plain(r) {
		conn, _, err := http.NewResponseController(w).Hijack() // what the client sent ahead is not looked at
		if err == nil {
			g.follow(conn, w, s, &o)
			return
		}
	}
	defer s.Close()
	answer(r.Context(), w, s, &o)
}

// plain reports whether a response is chunks on a connection of its own, from which nothing is read any more.
func plain(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor >= 1 && r.Method == http.MethodGet && r.ContentLength == 0
}

// follow lets a stream go on that took a connection over.
func (g *Group) follow(conn net.Conn, w http.ResponseWriter, s Source, o *Options) {
	t := &taken{conn: conn, source: s, head: head(w.Header()), first: o.First, keepAlive: o.KeepAlive, alive: o.Alive, ended: last(w)}
	if !g.enter(t) {
		t.end(false)
		return
	}
	go t.run(g)
}

func (g *Group) enter(t *taken) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	if g.open == nil {
		g.open = map[*taken]struct{}{}
	}
	g.open[t] = struct{}{}
	g.running.Add(1)
	return true
}

func (g *Group) leave(t *taken) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, t)
	g.running.Done()
}

// Shutdown lets no more in and waits for streams that took a connection over to end, which is up to their sources; when the context ends they are cut off.
func (g *Group) Shutdown(ctx context.Context) {
	g.refuse()
	defer context.AfterFunc(ctx, g.cut)()
	g.running.Wait()
}

// Close lets no more in and cuts off those that are there.
func (g *Group) Close() {
	g.refuse()
	g.cut()
	g.running.Wait()
}

func (g *Group) refuse() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *Group) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t := range g.open {
		_ = t.conn.Close() // its goroutine sees it
	}
}
