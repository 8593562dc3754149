// Package health keeps the state of a provider whose device comes and goes: it logs each
// change of the condition once, and tries again while the device is not ready.
//
// A Health may be used concurrently.
package health

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// The pauses between tries: the first, and what it doubles up to.
const (
	firstPause = time.Second
	maxPause   = 10 * time.Second
)

// Health is the state of one provider instance.
type Health struct {
	provider string
	log      *slog.Logger
	worse    chan struct{} // has room for one: the state was reported as not ready

	mu    sync.Mutex // guards the field below
	state providers.State
}

// New returns the Health of an instance that is starting.
func New(provider string, log *slog.Logger) *Health {
	return &Health{
		provider: provider, log: log, worse: make(chan struct{}, 1),
		state: providers.State{Condition: providers.Starting, Reason: "it has not answered yet", Remedy: "wait; see the log"},
	}
}

// State returns what was reported last.
func (h *Health) State() providers.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// Report takes the outcome of a try, nil for one that left the device ready.
func (h *Health) Report(ctx context.Context, err error) {
	next := providers.State{Condition: providers.ConditionOf(err)}
	if err != nil {
		next.Reason = err.Error()
		if e, ok := errors.AsType[*wire.Error](err); ok {
			next.Remedy = e.Remedy
		}
	}
	h.mu.Lock()
	before := h.state
	h.state = next
	h.mu.Unlock()
	if next.Condition != providers.Ready {
		select {
		case h.worse <- struct{}{}:
		default:
		}
	}
	if next.Condition == before.Condition {
		return
	}
	attrs := []slog.Attr{
		slog.String("provider", h.provider), slog.String("was", string(before.Condition)), slog.String("is", string(next.Condition)),
	}
	level := slog.LevelInfo
	if next.Condition != providers.Ready {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("reason", next.Reason), slog.String("remedy", next.Remedy))
	}
	h.log.LogAttrs(ctx, level, "provider_state", attrs...)
}

// Tend calls try while the device is not ready, after ever longer pauses, until stop is
// closed. try reports its outcome itself.
func (h *Health) Tend(stop <-chan struct{}, try func()) {
	for pause := firstPause; ; {
		if h.State().Condition == providers.Ready {
			pause = firstPause
			select {
			case <-stop:
				return
			case <-h.worse:
			}
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-stop:
			timer.Stop()
			return
		case <-timer.C:
		}
		try()
		pause = min(2*pause, maxPause)
	}
}
