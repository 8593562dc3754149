package manager

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWatchdogChecks: no sign of life without a self check that succeeded.
func TestWatchdogChecks(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "10000000")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex // guards the fields of state
		var state struct {
			alive, checks int
			failure       error
		}
		check := func(ctx context.Context) error {
			mu.Lock()
			state.checks++
			err := state.failure
			mu.Unlock()
			if errors.Is(err, context.DeadlineExceeded) {
				<-ctx.Done()
			}
			return err
		}
		alive := func(context.Context) { mu.Lock(); defer mu.Unlock(); state.alive++ }
		done := make(chan struct{})
		go func() {
			defer close(done)
			Watch(ctx, slog.New(slog.DiscardHandler), check, alive)
		}()
		step := func(failure error, wantAlive int) {
			t.Helper()
			mu.Lock()
			state.failure = failure
			before := state.checks
			mu.Unlock()
			time.Sleep(10*time.Second + time.Millisecond)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if state.alive != wantAlive || state.checks == before {
				t.Errorf("%d signs of life, want %d; %d checks", state.alive, wantAlive, state.checks-before)
			}
		}
		step(nil, 2)
		step(errors.New("stuck"), 2)
		step(nil, 4)
		step(context.DeadlineExceeded, 4)
		cancel()
		<-done
	})
}

func TestWatchdogOfAnother(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "1000")
	t.Setenv("WATCHDOG_PID", "1")
	Watch(t.Context(), slog.New(slog.DiscardHandler), nil, nil) // returns at once
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "soon")
	Watch(t.Context(), slog.New(slog.DiscardHandler), nil, nil)
}
