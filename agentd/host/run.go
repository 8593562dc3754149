package host

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/seed-73b3884f/parsec-agent/internal/manager"
)

// run serves until a signal, the end of ctx or an error.
func (h *host) run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	scrapes, err := h.openMetrics(ctx)
	if err != nil {
		h.notify.Failed(ctx, err)
		return errors.Join(err, h.socket.close())
	}
	var group sync.WaitGroup
	defer group.Wait()
	if scrapes != nil {
		group.Go(func() {
			if err := h.metrics.Serve(serving, scrapes); err != nil {
				h.log.LogAttrs(ctx, slog.LevelError, "metrics_stopped", slog.Any("error", err))
			}
		})
	}
	served := make(chan error, 1)
	group.Go(func() { served <- h.service.Serve(serving, h.socket.listeners...) })
	// Not waited for: a self check that hangs is what the watchdog is for.
	go manager.Watch(serving, h.log, h.service.SelfCheck, h.notify.Alive)

	h.log.LogAttrs(ctx, slog.LevelInfo, "ready", slog.String("version", h.options.Version), slog.String("socket", h.socket.path),
		slog.String("config", h.config.String()), slog.Bool("user", h.options.UserMode))
	h.notify.Ready(ctx, "serving "+h.socket.path)
	debug.FreeOSMemory() // what only the start needed
	return h.attend(ctx, served)
}

// attend reloads when it is told to. It returns nil when the agent is to stop, and an
// error when it has stopped serving by itself.
func (h *host) attend(ctx context.Context, served <-chan error) error {
	for {
		select {
		case <-h.hangups:
			h.reload(ctx)
		case err := <-served:
			if ctx.Err() == nil {
				return errors.Join(errors.New("the service ended by itself"), err)
			}
			h.sayStopping(ctx)
			return err
		case <-ctx.Done():
			h.sayStopping(ctx)
			return <-served
		}
	}
}

func (h *host) sayStopping(ctx context.Context) {
	h.notify.Stopping(ctx)
	h.log.LogAttrs(ctx, slog.LevelInfo, "stopping")
}
