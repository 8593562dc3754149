package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
)

// run serves until a signal, the end of ctx or an error.
func (h *host) run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	scrapes, err := h.openMetrics(ctx)
	if err != nil {
		h.notify.failed(ctx, err)
		return errors.Join(err, h.socket.Close())
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
	group.Go(func() { served <- h.service.Serve(serving, h.socket.UnixListener) })
	// Not waited for: a self check that hangs is what the watchdog is for.
	go watch(serving, h.log, h.service.SelfCheck, h.notify.alive)

	settle()
	h.log.LogAttrs(ctx, slog.LevelInfo, "ready", slog.String("version", h.options.Version), slog.String("socket", h.socket.path),
		slog.String("config", h.config.String()), slog.Bool("user", h.options.UserMode))
	h.notify.ready(ctx, "serving "+h.socket.path)
	if err := h.attend(serving, served); err != nil {
		return err
	}
	h.notify.stopping(ctx)
	h.log.LogAttrs(ctx, slog.LevelInfo, "stopping")
	stop()
	return <-served
}

// attend handles signals. It returns nil when the agent is to stop, and an error when it
// has stopped serving by itself.
func (h *host) attend(ctx context.Context, served <-chan error) error {
	work, cancel := context.WithCancel(ctx)
	var reloads sync.WaitGroup
	defer reloads.Wait()
	defer cancel() // a reload that waits for somebody ends first
	var busy, again bool
	reloaded := make(chan struct{}, 1)
	reload := func() {
		busy = true
		reloads.Go(func() {
			h.reload(work)
			reloaded <- struct{}{}
		})
	}
	for {
		select {
		case s := <-h.signals:
			switch {
			case s != os.Signal(syscall.SIGHUP):
				return nil
			case busy:
				again = true
			default:
				reload()
			}
		case <-reloaded:
			busy = false
			if again {
				again = false
				reload()
			}
		case err := <-served:
			if err == nil {
				err = errors.New("the service ended by itself")
			}
			return err
		case <-ctx.Done():
			return nil
		}
	}
}
