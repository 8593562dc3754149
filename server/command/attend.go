package command

import (
	"context"
	"log/slog"
	"net"

	"github.com/seed-73b3884f/parsec-agent/internal/manager"
	"github.com/seed-73b3884f/parsec-agent/server"
)

// attend tells the service manager how the server is doing, until what it returns is called.
func attend(ctx context.Context, s *server.Server, at net.Addr, log *slog.Logger) func() {
	ctx, cancel := context.WithCancel(ctx)
	n := manager.Notifier{Log: log}
	n.Ready(ctx, "serving "+at.String())
	stopping := context.AfterFunc(ctx, func() { n.Stopping(ctx) })
	// Not waited for: a self check that hangs is what the watchdog is for.
	go manager.Watch(ctx, log, s.SelfCheck, n.Alive)
	return func() {
		stopping()
		cancel()
	}
}
