package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// The bounds of the server: a scraper is one client that asks every few seconds.
const (
	ioTimeout   = 5 * time.Second
	idleTimeout = 2 * time.Minute
	maxHeader   = 8 << 10
)

// Serve answers GET /metrics on the listener until ctx ends, and closes it.
func Serve(ctx context.Context, ln net.Listener, metrics io.WriterTo) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ContentType)
		_, _ = metrics.WriteTo(w) // the scraper is gone
	})
	s := &http.Server{
		Handler: mux, ReadTimeout: ioTimeout, WriteTimeout: ioTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("cannot serve metrics: %w", err)
	}
	return nil
}
