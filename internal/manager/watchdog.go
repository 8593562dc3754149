package manager

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Watch answers the service manager's watchdog, twice in its interval, as long as check finds
// nothing wrong. It returns when ctx ends, at once without a watchdog.
func Watch(ctx context.Context, log *slog.Logger, check func(context.Context) error, alive func(context.Context)) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "watchdog_unusable", slog.Any("error", err))
		return
	}
	if interval == 0 {
		return
	}
	period := interval / 2
	ticks := time.NewTicker(period)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		trial, cancel := context.WithTimeout(ctx, period)
		if err := check(trial); err == nil {
			alive(ctx)
		} else if ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelError, "self_check_failed", slog.Any("error", err))
		}
		cancel()
	}
}
