package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/pipeline"
)

func count(n int) func(func(int) error) error {
	return func(yield func(int) error) error {
		for i := range n {
			if err := yield(i); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestOrder(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	heard, most, now := 0, atomic.Int64{}, atomic.Int64{}
	err := pipeline.Run(t.Context(), count(1000), func(_ context.Context, i int) (string, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		return fmt.Sprint(i), nil
	}, func(text string) error {
		if text != fmt.Sprint(heard) {
			t.Errorf("%s comes at %d", text, heard)
		}
		heard++
		return nil
	})
	if err != nil || heard != 1000 || most.Load() > 20 {
		t.Errorf("%d of 1000, %d at once: %v", heard, most.Load(), err)
	}
}

// TestErrors: the first error ends the work, wherever it comes from.
func TestErrors(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	broken := errors.New("broken")
	fails := func(at, i int) error {
		if i == at {
			return broken
		}
		return nil
	}
	for name, at := range map[string][3]int{"things": {500, -1, -1}, "work": {-1, 500, -1}, "hearing": {-1, -1, 500}} {
		heard := 0
		err := pipeline.Run(t.Context(), func(yield func(int) error) error {
			return count(1000)(func(i int) error { return errors.Join(fails(at[0], i), yield(i)) })
		}, func(_ context.Context, i int) (int, error) { return i, fails(at[1], i) }, func(i int) error {
			heard++
			return fails(at[2], i)
		})
		if !errors.Is(err, broken) || heard > 501 {
			t.Errorf("%s: %v after %d", name, err, heard)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pipeline.Run(ctx, count(1000), func(context.Context, int) (int, error) { return 0, nil }, func(int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
