package agentd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/audit"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/peer"
	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Auditor takes one record of each request. It must not keep the record.
type Auditor interface {
	Record(rec *audit.Record)
}

// Observer counts requests for metrics.
type Observer interface {
	Observe(op wire.Opcode, status wire.Status, took time.Duration)
}

// Options are what a Service needs of its process. Audit and Metrics may be nil.
type Options struct {
	Logger  *slog.Logger
	Audit   Auditor
	Metrics Observer
	// Version is that of this program, as `parsecctl info` shows it.
	Version string
	// User is true for one person's own agent.
	User bool
	// ConfigPath and SocketPath are shown to administrators.
	ConfigPath, SocketPath string
}

// drain is how long connections may finish what they began when the service stops.
const drain = 10 * time.Second

// Service is the agent. Load it, then Serve; both may be called again.
type Service struct {
	options Options
	log     *slog.Logger
	started time.Time
	ledger  *ledger

	challenges challenges
	devices    devices

	requests atomic.Uint64
	stopping atomic.Bool
	config   atomic.Pointer[config.Config]

	mu      sync.RWMutex // guards current
	current *backend

	adoptions turns

	connsMu sync.Mutex // guards conns
	conns   map[*conn]struct{}
	serving sync.WaitGroup
}

// New returns a service that has no configuration yet.
func New(o Options) *Service {
	s := &Service{options: o, log: o.Logger, started: time.Now(), conns: map[*conn]struct{}{}}
	s.devices = devices{service: s, budget: device.NewBudget(), people: map[uint32]*person{}}
	return s
}

// Load builds key info managers, providers and authenticators from cfg and swaps them in.
// Requests at work finish on the old ones. On an error the old ones stay.
func (s *Service) Load(ctx context.Context, cfg *config.Config) error {
	next, err := build(ctx, s.log, cfg)
	if err != nil {
		return err
	}
	limits := cfg.Agent.Limits
	if s.ledger == nil {
		s.ledger = newLedger(limits)
	}
	s.ledger.limits.Store(&limits)
	s.config.Store(cfg)
	s.mu.Lock()
	old := s.current
	s.current = next
	s.mu.Unlock()
	if old != nil {
		old.drop(ctx, s.log)
	}
	return nil
}

// acquire returns the backend of now; it stays usable until release.
func (s *Service) acquire() *backend {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.current.refs.Add(1)
	return s.current
}

// Serve accepts connections until ctx ends, then lets requests at work finish within a
// deadline. It closes the listeners; when one of them fails, all end.
func (s *Service) Serve(ctx context.Context, lns ...*net.UnixListener) error {
	if s.config.Load() == nil {
		return errors.New("cannot serve: no configuration is loaded")
	}
	if len(lns) == 0 {
		return errors.New("cannot serve: there is no socket")
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { s.stop(lns) })
	defer stop()
	s.devices.takeUp() //nolint:contextcheck // works and sessions outlive the request
	ended := make(chan error, len(lns))
	for _, ln := range lns {
		go func() { ended <- s.accept(work, ln) }()
	}
	err := <-ended
	s.stop(lns)
	for range len(lns) - 1 {
		err = errors.Join(err, <-ended)
	}
	done := make(chan struct{})
	go func() {
		s.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drain):
		s.closeAll()
		cancel()
		<-done
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// stop ends accepting, and the waiting of connections that have no request at work.
func (s *Service) stop(lns []*net.UnixListener) {
	if s.stopping.Swap(true) {
		return
	}
	for _, ln := range lns {
		_ = ln.Close()
	}
	s.connsMu.Lock()
	defer s.connsMu.Unlock()
	for c := range s.conns {
		c.interrupt()
	}
}

func (s *Service) closeAll() {
	s.connsMu.Lock()
	defer s.connsMu.Unlock()
	for c := range s.conns {
		_ = c.net.Close()
	}
}

// accept starts a goroutine for each connection that the limits admit. Passing shortages,
// such as of descriptors, are waited out.
func (s *Service) accept(ctx context.Context, ln *net.UnixListener) error {
	const longest = time.Second
	pause := 5 * time.Millisecond
	for {
		nc, err := ln.AcceptUnix()
		switch {
		case err == nil:
			pause = 5 * time.Millisecond
			s.admit(ctx, nc)
		case s.stopping.Load():
			return nil
		case temporary(err):
			s.log.LogAttrs(ctx, slog.LevelWarn, "accept_delayed", slog.Any("error", err))
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, longest)
		default:
			return fmt.Errorf("cannot accept connections: %w", err)
		}
	}
}

// temporary reports whether accept failed for want of something that comes back.
func temporary(err error) bool {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// admit identifies the peer once, applies the limits and serves the connection.
func (s *Service) admit(ctx context.Context, nc *net.UnixConn) {
	who, err := peer.FromConn(nc)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "peer_unknown", slog.Any("error", err))
		_ = nc.Close()
		return
	}
	c := &conn{service: s, net: nc, peer: who}
	if c.account, err = s.ledger.connect(who.UID); err != nil {
		c.turnAway(err)
		return
	}
	c.passed.conn = nc
	c.reader = wire.NewReader(&c.passed, s.config.Load().Core.BodyLimit)
	s.connsMu.Lock()
	s.conns[c] = struct{}{}
	s.connsMu.Unlock()
	s.serving.Go(func() {
		defer s.forget(c)
		c.serve(ctx)
	})
}

func (s *Service) forget(c *conn) {
	c.passed.drop()
	_ = c.net.Close()
	c.account.disconnect()
	s.connsMu.Lock()
	delete(s.conns, c)
	s.connsMu.Unlock()
	s.drainMemory()
}

// Close wipes unlocked devices and gives up providers and stores. Serve must have returned.
func (s *Service) Close() error {
	s.devices.close()
	s.mu.Lock()
	old := s.current
	s.current = nil
	s.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.release()
}

// SelfCheck takes a ping through the dispatcher, as the watchdog's sign of life.
func (s *Service) SelfCheck(ctx context.Context) error {
	c := &conn{service: s, peer: &peer.Peer{}, account: &account{ledger: newLedger(s.config.Load().Agent.Limits)}}
	_, err := s.dispatch(ctx, &request{conn: c, Request: wire.Request{Header: wire.Header{Opcode: wire.OpPing}}})
	return err
}

// timeout is how long a whole frame may take.
func (s *Service) timeout() time.Duration { return s.config.Load().Listener.Timeout }

// idle is how long a persistent connection may stay without a request.
func (s *Service) idle() time.Duration { return s.config.Load().Agent.Limits.IdleTimeout }

// record writes the audit record and counts the request.
func (s *Service) record(r *request, status wire.Status) {
	s.requests.Add(1)
	took := time.Since(r.start)
	if s.options.Metrics != nil {
		s.options.Metrics.Observe(r.Opcode, status, took)
	}
	if s.options.Audit == nil {
		return
	}
	rec := audit.Record{
		Time: r.start, Application: r.who.App, AuthType: r.who.Auth,
		UID: r.conn.peer.UID, GID: r.conn.peer.GID, PID: r.conn.peer.PID, Cgroup: r.conn.peer.Cgroup(),
		Operation: agent.Name(r.Opcode), Key: string(r.key), Result: status, Reference: r.ref, Duration: took,
	}
	if r.instance != nil {
		rec.Provider = r.instance.ref.Name
	}
	s.options.Audit.Record(&rec)
}

func (s *Service) logPanic(ctx context.Context, r *request, p any) {
	s.log.LogAttrs(ctx, slog.LevelError, "operation_panicked",
		slog.String("operation", agent.Name(r.Opcode)), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
}
