package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// How long peers may take, and the server itself to end.
const (
	headerTime = 10 * time.Second
	idleTime   = 3 * time.Minute
	stopTime   = 10 * time.Second
)

// collectPause is how often what nothing refers to is looked for.
const collectPause = time.Hour

// maxHeader bounds the headers of a request.
const maxHeader = 16 << 10

// Serve answers at a listener until the context ends, and then lets requests finish for ten seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/", s.Handler())
	mux.HandleFunc("GET /health/live", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /health/ready", s.ready)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader}
	collecting, enough := context.WithCancel(ctx)
	collected := sync.WaitGroup{}
	collected.Go(func() { s.collector.Run(collecting, collectPause) })
	defer func() {
		enough()
		collected.Wait()
	}()
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
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
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), stopTime)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
	}
}
