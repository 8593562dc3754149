package host

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// notifier tells the service manager how the agent is doing.
type notifier struct{ log *slog.Logger }

// send sends assignments such as READY=1. Without a service manager it does nothing.
func (n notifier) send(ctx context.Context, assignments ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(assignments, "\n")); err != nil {
		n.log.LogAttrs(ctx, slog.LevelWarn, "notify_failed", slog.Any("error", err))
	}
}

func status(format string, args ...any) string {
	return "STATUS=" + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")
}

func (n notifier) ready(ctx context.Context, text string) {
	n.send(ctx, daemon.SdNotifyReady, status("%s", text))
}

// reloading carries the time that Type=notify-reload compares with its signal.
func (n notifier) reloading(ctx context.Context) {
	assignments := []string{daemon.SdNotifyReloading, status("reloading the configuration")}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		const usec = 1000
		assignments = append(assignments, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/usec))
	}
	n.send(ctx, assignments...)
}

func (n notifier) stopping(ctx context.Context) {
	n.send(ctx, daemon.SdNotifyStopping, status("finishing requests"))
}

func (n notifier) failed(ctx context.Context, err error) {
	n.send(ctx, status("start failed: %v", err))
}

func (n notifier) alive(ctx context.Context) { n.send(ctx, daemon.SdNotifyWatchdog) }
