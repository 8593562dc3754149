package command

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// critical is above all that the server logs.
const critical = slog.LevelError + 4

// logger writes what happens, in the way that was asked for.
func logger(w io.Writer, level, format string) (*slog.Logger, error) {
	levels := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError, "CRITICAL": critical}
	l, ok := levels[strings.ToUpper(level)]
	if !ok {
		return nil, usagef("--log-level %s: DEBUG, INFO, WARNING, ERROR or CRITICAL is expected", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch strings.ToUpper(format) {
	case "CONSOLE":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "JSON":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, usagef("--log-format %s: CONSOLE or JSON is expected", format)
}

// logTo is where the log goes, and what ends that.
func (p *Program) logTo(path string) (io.Writer, func() error, error) {
	if path == "" || path == "-" {
		return p.Err, func() error { return nil }, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600) //nolint:gosec // the administrator's choice
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log: %w", err)
	}
	return f, f.Close, nil
}
