package client_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// reply is what a test server answers with.
type reply struct {
	status wire.Status
	frames []proto.Message // one per frame; none is an empty body
	raw    []byte          // instead of everything else
	hangUp bool            // close without an answer
	wait   bool            // answer only when the server closes
}

func ok(m ...proto.Message) reply { return reply{frames: m} }

// server is a small key service on a real socket.
type server struct {
	t        *testing.T
	path     string
	original atomic.Bool // never keeps a connection
	// answer is asked for every request but those of a client's set-up.
	answer func(r request) reply
	// unread is asked before a request is read: true closes the connection as soon as bytes
	// lie in it, without reading them.
	unread func(conn int64, served int) bool

	listener *net.UnixListener
	work     sync.WaitGroup
	done     chan struct{}
	accepted atomic.Int64
	open     atomic.Int64
	mostOpen atomic.Int64

	mu       sync.Mutex
	requests []request
	conns    map[*net.UnixConn]bool
}

// request is a request as the server saw it.
type request struct {
	wire.Header
	body, auth []byte
	conn       int64 // number of its connection, from 1
}

func newServer(t *testing.T, answer func(request) reply, configure ...func(*server)) *server {
	t.Helper()
	dir, err := os.MkdirTemp("", "c") //nolint:usetesting // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &server{t: t, path: filepath.Join(dir, "s"), answer: answer, done: make(chan struct{}), conns: map[*net.UnixConn]bool{}}
	for _, fn := range configure {
		fn(s)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) start() {
	s.t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.path, Net: "unix"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.listener = l
	s.work.Go(func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			n := s.accepted.Add(1)
			s.mostOpen.Store(max(s.mostOpen.Load(), s.open.Add(1)))
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			s.work.Go(func() {
				defer s.open.Add(-1)
				s.serve(c, n)
				_ = c.Close()
			})
		}
	})
}

func (s *server) stop() {
	close(s.done)
	_ = s.listener.Close()
	s.closeConns()
	s.work.Wait()
}

// closeConns closes every connection, as a service does with idle ones.
func (s *server) closeConns() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
	clear(s.conns)
}

func (s *server) serve(c *net.UnixConn, n int64) {
	r := wire.NewReader(c, wire.DefaultBodyLimit)
	for served := 0; ; served++ {
		if s.unread != nil && s.unread(n, served) {
			closeUnread(c)
			return
		}
		req, err := r.ReadRequest()
		if err != nil {
			if frame, ok := errors.AsType[*wire.FrameError](err); ok && frame.Status != wire.StatusConnectionError {
				b, _ := wire.AppendResponse(nil, wire.DefaultHeader(frame.Status), nil)
				_, _ = c.Write(b)
			}
			return
		}
		seen := request{req.Header, append([]byte(nil), req.Body...), append([]byte(nil), req.Auth...), n}
		s.mu.Lock()
		s.requests = append(s.requests, seen)
		s.mu.Unlock()
		if !s.respond(c, seen) || s.original.Load() || !req.Persistent() {
			return
		}
	}
}

func (s *server) respond(c *net.UnixConn, r request) bool {
	a := s.reply(r)
	if a.wait {
		<-s.done
	}
	if a.hangUp || a.wait {
		return false
	}
	if a.raw != nil {
		_, err := c.Write(a.raw)
		return err == nil
	}
	h := wire.Header{Provider: r.Provider, Opcode: r.Opcode, Status: a.status}
	if r.Persistent() && !s.original.Load() {
		h.Flags = wire.FlagPersistent
	}
	if len(a.frames) == 0 {
		a.frames = []proto.Message{nil}
	}
	for i, m := range a.frames {
		var body []byte
		if m != nil {
			body, _ = psa.Marshal(m)
		}
		h := h
		if i < len(a.frames)-1 {
			h.Flags |= wire.FlagMore
		}
		b, _ := wire.AppendResponse(nil, h, body)
		if _, err := c.Write(b); err != nil {
			return false
		}
	}
	return true
}

// reply answers what every client asks first, and leaves the rest to the test.
func (s *server) reply(r request) reply {
	if s.answer != nil {
		if a := s.answer(r); a.status != 0 || a.frames != nil || a.raw != nil || a.hangUp || a.wait {
			return a
		}
	}
	switch r.Opcode {
	case wire.OpListAuthenticators:
		return ok(&psapb.ListAuthenticatorsResult{Authenticators: []*psapb.ListAuthenticatorsResult_AuthenticatorInfo{
			{Id: uint32(wire.AuthUnixPeer), Description: "peers"},
		}})
	case wire.OpListProviders:
		return ok(&psapb.ListProvidersResult{Providers: []*psapb.ListProvidersResult_ProviderInfo{
			{Id: uint32(wire.ProviderMbedCrypto), Uuid: "1c1139dc-ad7c-47dc-ad6b-db6fdb466552"}, {Id: uint32(wire.ProviderCore)},
		}})
	case wire.OpPing:
		return ok(&psapb.PingResult{WireProtocolVersionMaj: 1})
	default:
		return ok()
	}
}

// seen returns the requests of an operation.
func (s *server) seen(op wire.Opcode) (found []request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if r.Opcode == op {
			found = append(found, r)
		}
	}
	return found
}

// dial connects a client to the server; it is closed with the test.
func (s *server) dial(opts client.Options) *client.Client {
	s.t.Helper()
	opts.Endpoint = s.path
	c, err := client.Dial(s.t.Context(), opts)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// ping fails the test when the service does not answer.
func ping(t *testing.T, c *client.Client) {
	t.Helper()
	v, err := c.Ping(t.Context())
	if err != nil || v.Major != 1 || v.Minor != 0 {
		t.Fatalf("ping: %v, %v", v, err)
	}
}

// closeUnread waits until bytes lie in the socket and closes it without reading them.
func closeUnread(c *net.UnixConn) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return !errors.Is(err, syscall.EAGAIN)
	})
	_ = c.Close()
}
