package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/api"
	"github.com/seed-73b3884f/parsec-agent/server/internal/local"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/secrets"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// commandIdle is how long a command may be silent.
const commandIdle = 10 * time.Second

// listenCommands has commands find the server from when it is open: who starts it may ask the next moment. The server works without it.
func (s *Server) listenCommands(ctx context.Context, file string) {
	if file == "" {
		return
	}
	var err error
	if s.commands, err = local.Listen(ctx, file); err != nil {
		s.api.Log.Warn("commands cannot reach the server", "error", err)
	}
}

// serveCommands does what commands ask for that cannot have the database themselves, until the context ends.
func (s *Server) serveCommands(ctx context.Context) {
	h := &http.Server{
		Handler: s.api.Administration(), ReadHeaderTimeout: commandIdle, IdleTimeout: commandIdle, MaxHeaderBytes: maxHeader,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return api.Local(ctx, local.Who(c)) },
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(s.commands) }()
	select {
	case err := <-ended:
		s.api.Log.Warn("commands cannot reach the server any more", "error", err)
		return
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := h.Shutdown(stopping); err != nil {
		_ = h.Close() // what is not done by now, the collector ends
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		s.api.Log.Warn("commands could not reach the server at the end", "error", err)
	}
}

// AdministrationOptions are what administration without serving needs.
type AdministrationOptions struct {
	// Store is the address of the database.
	Store string
	// MaxConnections bounds the connections to PostgreSQL, 0 for the default.
	MaxConnections int
	// Key is the server's key.
	Key *secrets.Box
	// Rules are what an administrator decides.
	Rules rules.Config
	// Who says who it is, for the audit log.
	Who string
	Log *slog.Logger
}

// Administration is what administrators do without a server of their own. On PostgreSQL, other processes hear of it.
type Administration struct {
	// Rules have no block store.
	Rules *rules.Service
	store *store.Store
	api   *api.API
	who   string
}

// OpenAdministration opens the database for administration. One of SQLite that a server has is refused with store.ErrTaken, and one of another version
// with store.ErrPending.
func OpenAdministration(ctx context.Context, o AdministrationOptions) (*Administration, error) {
	s, err := store.Open(ctx, store.Options{URL: o.Store, MaxConnections: o.MaxConnections, AsIs: true, Log: o.Log})
	if err != nil {
		return nil, err
	}
	if o.Key != nil {
		if err := Agree(ctx, s, o.Key); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	service := &rules.Service{Store: s, Secrets: o.Key, Config: o.Rules, Log: o.Log}
	return &Administration{Rules: service, store: s, api: &api.API{Rules: service, Clock: time.Now, Log: o.Log}, who: o.Who}, nil
}

// Handler answers one who is known.
func (a *Administration) Handler() http.Handler {
	routes := a.api.Administration()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r.WithContext(api.Local(r.Context(), a.who)))
	})
}

// Close ends it.
func (a *Administration) Close() error { return a.store.Close() }
