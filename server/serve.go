package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/guard"
)

// How long peers may take, and the server itself to end.
const (
	headerTime = 10 * time.Second
	idleTime   = 3 * time.Minute
	stopTime   = 10 * time.Second
)

// collectPause is how often what nothing refers to is looked for.
const collectPause = time.Hour

// How many connections may be open at once, in all and from one address.
const (
	maxConnections = 30_000
	maxPerAddress  = 12_000
)

// maxHeader bounds the headers of a request.
const maxHeader = 16 << 10

// Serve answers at a listener until the context ends, and then lets requests finish for ten seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader}
	working, enough := context.WithCancel(ctx)
	work := sync.WaitGroup{}
	work.Go(func() { s.collector.Run(working, collectPause) })
	if s.commands != nil {
		work.Go(func() { s.serveCommands(working) })
	}
	defer func() {
		enough()
		work.Wait()
	}()
	l = guard.Listen(l, guard.Connections{Open: s.connections, Trusted: s.trusted, Refused: &s.guard.Refused.Connections})
	failed := make(chan error, 1)
	if s.tls != nil {
		h.TLSConfig, h.Protocols = s.tls.Config(), &http.Protocols{}
		h.Protocols.SetHTTP1(true)
		h.Protocols.SetHTTP2(s.tls.HTTP2())
		work.Go(func() { _ = s.tls.Run(working) }) // ends with the context
		go func() { failed <- h.ServeTLS(l, "", "") }()
	} else {
		go func() { failed <- h.Serve(l) }()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.Hang()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := h.Shutdown(stopping)
	if errors.Is(err, context.DeadlineExceeded) {
		err = h.Close()
	}
	s.api.Streams.Shutdown(stopping) // they are not the server's any more
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// SelfCheck reports whether the process itself works. A database of another process may be away: that passes without a new start.
func (s *Server) SelfCheck(ctx context.Context) error {
	if s.store.Pool() != nil {
		return nil
	}
	return s.store.Ping(ctx)
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), stopTime)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
	}
}
