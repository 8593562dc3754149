package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/agentd/internal/audit"
)

// reload reads the configuration anew and lets it take effect, or keeps the old one.
func (h *host) reload(ctx context.Context) {
	h.notify.Reloading(ctx)
	err := h.renew(ctx)
	if err == nil {
		h.log.LogAttrs(ctx, slog.LevelInfo, "configuration_reloaded", slog.String("config", h.config.String()))
		h.notify.Ready(ctx, "serving "+h.socket.path)
		return
	}
	problems, ok := errors.AsType[config.Errors](err)
	if !ok {
		h.log.LogAttrs(ctx, slog.LevelError, "reload_failed", slog.Any("error", err))
	}
	for _, p := range problems {
		h.log.LogAttrs(ctx, slog.LevelError, "reload_failed", slog.String("error", p.String()))
	}
	h.notify.Ready(ctx, fmt.Sprintf("the old configuration stays, reload failed: %v", err))
}

// renew changes nothing unless everything succeeds.
func (h *host) renew(ctx context.Context) error {
	next, warnings, err := load(h.options.ConfigPath, h.layout)
	if err != nil {
		return err
	}
	sink, err := h.sink(next.Agent.Audit)
	if err == nil {
		err = h.service.Load(ctx, next)
	}
	if err != nil {
		next.WipeSecrets()
		return errors.Join(err, discard(sink))
	}
	h.audit.Switch(ctx, sink)
	h.adjustLog(next)
	h.warn(ctx, warnings)
	for _, key := range needRestart(h.started, next, h.socket.bound != nil) {
		h.log.LogAttrs(ctx, slog.LevelWarn, "restart_needed", slog.String("setting", key))
	}
	h.config = next
	debug.FreeOSMemory()
	return nil
}

func discard(s *audit.Sink) error {
	if s == nil {
		return nil
	}
	return s.Close()
}

// needRestart names the settings that differ from those of the start and that a reload does not
// change.
func needRestart(started, next *config.Config, bound bool) []string {
	var keys []string
	differ := func(key string, is bool) {
		if is {
			keys = append(keys, key)
		}
	}
	differ("listener.socket_path", bound && started.Listener.SocketPath != next.Listener.SocketPath)
	differ("core_settings.thread_pool_size", started.Core.Threads != next.Core.Threads)
	differ("core_settings.log_timestamp", started.Core.LogTimestamp != next.Core.LogTimestamp)
	differ("agent.log_format", started.Agent.LogFormat != next.Agent.LogFormat)
	differ("agent.metrics", started.Agent.Metrics != next.Agent.Metrics)
	return keys
}
