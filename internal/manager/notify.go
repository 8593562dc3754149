// Package manager tells the service manager how a program is doing: that it is ready,
// reloads, stops or failed, and that it lives, which a watchdog asks for. Without a service
// manager, or with one that does not ask, nothing happens.
package manager

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Notifier tells the service manager how the program is doing.
type Notifier struct{ Log *slog.Logger }

// send sends assignments such as READY=1. Without a service manager it does nothing.
func (n Notifier) send(ctx context.Context, assignments ...string) {
	if _, err := daemon.SdNotify(false, strings.Join(assignments, "\n")); err != nil {
		n.Log.LogAttrs(ctx, slog.LevelWarn, "notify_failed", slog.Any("error", err))
	}
}

func status(format string, args ...any) string {
	return "STATUS=" + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; ")
}

// Ready says that the program serves.
func (n Notifier) Ready(ctx context.Context, text string) {
	n.send(ctx, daemon.SdNotifyReady, status("%s", text))
}

// Reloading says that the program reads its configuration again. It carries the time that Type=notify-reload compares with its signal.
func (n Notifier) Reloading(ctx context.Context) {
	assignments := []string{daemon.SdNotifyReloading, status("reloading the configuration")}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
		const usec = 1000
		assignments = append(assignments, fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/usec))
	}
	n.send(ctx, assignments...)
}

// Stopping says that the program is about to end.
func (n Notifier) Stopping(ctx context.Context) {
	n.send(ctx, daemon.SdNotifyStopping, status("finishing requests"))
}

// Failed says why the program cannot start.
func (n Notifier) Failed(ctx context.Context, err error) {
	n.send(ctx, status("start failed: %v", err))
}

// Alive answers the watchdog.
func (n Notifier) Alive(ctx context.Context) { n.send(ctx, daemon.SdNotifyWatchdog) }
