package health_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/internal/health"
)

// TestReport: a change of the condition is logged once, a new reason is shown and not logged.
func TestReport(t *testing.T) {
	var log bytes.Buffer
	h := health.New("p", slog.New(slog.NewTextHandler(&log, nil)))
	if s := h.State(); s.Condition != providers.Starting || s.Reason == "" {
		t.Errorf("%+v", s)
	}
	away := func(reason string) error {
		return providers.Unready(providers.Absent, &wire.Error{Status: wire.StatusHardwareFailure, Reason: reason, Remedy: "insert it"})
	}
	h.Report(t.Context(), away("no token"))
	h.Report(t.Context(), away("another token"))
	if s := h.State(); s != (providers.State{Condition: providers.Absent, Reason: "another token", Remedy: "insert it"}) {
		t.Errorf("%+v", s)
	}
	h.Report(t.Context(), errors.New("broken"))
	h.Report(t.Context(), nil)
	h.Report(t.Context(), nil)
	if s := h.State(); s != (providers.State{Condition: providers.Ready}) {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{"was=starting is=absent", "was=absent is=failed", "was=failed is=ready", "reason=\"no token\" remedy=\"insert it\""} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("%s is not there once:\n%s", want, &log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 3 {
		t.Errorf("%d records:\n%s", n, &log)
	}
}

// TestTend: the pauses grow up to ten seconds, nothing is tried while the state is ready, and
// they begin anew after that.
func TestTend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New("p", slog.New(slog.DiscardHandler))
		stop, ended := make(chan struct{}), make(chan struct{})
		var mu sync.Mutex // guards the variables below
		begun := time.Now()
		var tries []time.Duration
		outcome := providers.Unready(providers.Absent, errors.New("no token"))
		locked := func(f func()) {
			mu.Lock()
			defer mu.Unlock()
			f()
		}
		go func() {
			defer close(ended)
			h.Tend(stop, func() {
				locked(func() {
					tries = append(tries, time.Since(begun))
					h.Report(t.Context(), outcome)
				})
			})
		}()
		time.Sleep(30 * time.Second) // of the bubble
		synctest.Wait()
		want := []int{1, 3, 7, 15, 25}
		if len(tries) != len(want) {
			t.Fatalf("tries after %v", tries)
		}
		for i, at := range want {
			if tries[i] != time.Duration(at)*time.Second {
				t.Errorf("try %d after %v, want %d s", i, tries[i], at)
			}
		}
		locked(func() { outcome = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		locked(func() { tries = nil })
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(tries) != 0 {
			t.Errorf("%d tries while it was ready", len(tries))
		}
		locked(func() { begun = time.Now() })
		h.Report(t.Context(), providers.Unready(providers.Absent, errors.New("gone")))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(tries) != 1 || tries[0] != time.Second {
			t.Errorf("tries after it went: %v", tries)
		}
		close(stop)
		<-ended
	})
}
