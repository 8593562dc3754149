// Package journal writes the agent's log: a slog.Handler for standard error, whoever reads
// it there.
//
// Under the service manager each line begins with its syslog priority (`<6>`), which the
// journal takes off. Elsewhere lines look as the original's, `[INFO  parsec] text`, or are
// JSON objects. A record is one line and one write.
//
// Messages are constant, attributes follow as `key=value`; what a peer may have chosen is
// quoted, so that it cannot make lines of its own or steer a terminal. Unless details are
// on (log_error_details), the attributes "key" and "application" are left out, and the
// object that a wire.Error names is replaced by "(object)": the log then tells what went
// wrong and not with whose key. Causes of errors are always logged, for without them a
// reference that a caller reports leads nowhere. The audit log is no part of this and
// always has names.
//
// The level and the details can change at any time; handlers may be used concurrently.
package journal

import (
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
)

// LevelTrace is below slog.LevelDebug.
const LevelTrace slog.Level = -8

// levelOff is above everything that is logged.
const levelOff slog.Level = math.MaxInt32

// SlogLevel returns the level that lets pass what l names; an empty one is config.LevelInfo.
func SlogLevel(l config.Level) slog.Level {
	switch l {
	case config.LevelOff:
		return levelOff
	case config.LevelError:
		return slog.LevelError
	case config.LevelWarn:
		return slog.LevelWarn
	case config.LevelDebug:
		return slog.LevelDebug
	case config.LevelTrace:
		return LevelTrace
	default:
		return slog.LevelInfo
	}
}

// EffectiveLevel returns the level of a configuration: its own, else that of RUST_LOG when
// it is the name of a level, else config.LevelInfo.
func EffectiveLevel(set config.Level, getenv func(string) string) config.Level {
	if set != "" {
		return set
	}
	if l, ok := config.ParseLevel(getenv("RUST_LOG")); ok {
		return l
	}
	return config.LevelInfo
}

// Options are what a Log needs.
type Options struct {
	Writer io.Writer
	// Format is LogJournal, LogText or LogJSON; see Detect for LogAuto.
	Format config.LogFormat
	// Timestamp puts the time in front of text lines. JSON always has it, the journal
	// notes it by itself.
	Timestamp bool
}

// Log makes loggers and holds what can change while they are in use.
type Log struct {
	options Options
	level   slog.LevelVar
	details atomic.Bool
	mu      sync.Mutex // one line at a time
}

// New returns a Log at level info without details.
func New(o Options) *Log { return &Log{options: o} }

// SetLevel lets pass what is at least as severe as l.
func (l *Log) SetLevel(level config.Level) { l.level.Set(SlogLevel(level)) }

// SetDetails allows names of keys and applications.
func (l *Log) SetDetails(on bool) { l.details.Store(on) }

// Logger returns a logger on this Log.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l}) }

// Write writes whole lines of somebody else's, such as the audit log's, between those of
// the loggers.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.options.Writer.Write(p)
}

// AuditPrefix is what makes a line of the audit log fit in among the log lines.
func (l *Log) AuditPrefix() string {
	switch l.options.Format {
	case config.LogJournal:
		return "<5>"
	case config.LogJSON:
		return ""
	default:
		return "[AUDIT parsec] "
	}
}

// Fatal writes the error that ends the program, in the original's form `Error: text`. Each
// line of the text is a line of the log.
func (l *Log) Fatal(err error) error {
	prefix := "Error: "
	if l.options.Format == config.LogJournal {
		prefix = "<3>Error: "
	}
	var b strings.Builder
	for line := range strings.Lines(err.Error() + "\n") {
		b.WriteString(prefix + printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	_, werr := l.Write([]byte(b.String()))
	return werr
}
