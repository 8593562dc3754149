package command

import (
	"io"
	"log/slog"
)

// logger writes what happens, in the way that was asked for.
func logger(w io.Writer, level, format string) (*slog.Logger, error) {
	levels := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARNING": slog.LevelWarn, "ERROR": slog.LevelError}
	l, ok := levels[level]
	if !ok {
		return nil, usagef("--log-level %s: DEBUG, INFO, WARNING or ERROR is expected", level)
	}
	options := &slog.HandlerOptions{Level: l}
	switch format {
	case "CONSOLE":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "JSON":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, usagef("--log-format %s: CONSOLE or JSON is expected", format)
}
