package providertest

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// Adopt adopts a key.
func Adopt(tb testing.TB, p providers.Adopter, a providers.Adoption) providers.Key {
	tb.Helper()
	id, attrs, err := p.AdoptKey(tb.Context(), a)
	if err != nil {
		tb.Fatalf("adopt %s: %v", a.Locator, err)
	}
	return providers.Key{ID: id, Attributes: attrs}
}

// Status compares the status of an error.
func Status(tb testing.TB, what string, err error, want wire.Status) {
	tb.Helper()
	if wire.StatusOf(err) != want {
		tb.Errorf("%s: status %d (%v), want %d", what, wire.StatusOf(err), err, want)
	}
}

// Logs collects what a provider logs. It may be used by several goroutines.
type Logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Logger returns a logger of all levels that writes to l.
func (l *Logs) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
