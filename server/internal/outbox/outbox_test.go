package outbox_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errNot = errors.New("not now")

func options() outbox.Options {
	return outbox.Options{Most: 3, Workers: 2, Time: time.Second, Pauses: []time.Duration{time.Minute, time.Hour}, Log: slog.New(slog.DiscardHandler)}
}

// TestRetries: a job that fails is tried again after each pause, and then given up; one that is final is not.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := outbox.New(options())
		defer b.Close(t.Context())
		start, tries := time.Now(), []time.Duration{}
		first, err := b.Put(outbox.Job{Name: "x", Do: func(context.Context) error {
			tries = append(tries, time.Since(start))
			return errNot
		}})
		if err != nil || !errors.Is(<-first, errNot) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour) // of the bubble
		synctest.Wait()
		if len(tries) != 3 || tries[1] != time.Minute || tries[2] != time.Hour+time.Minute {
			t.Errorf("tried at %v", tries)
		}
		n := 0
		first, err = b.Put(outbox.Job{Name: "y", Do: func(context.Context) error {
			n++
			return outbox.Final(errNot)
		}})
		if err != nil || !errors.Is(<-first, errNot) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour) // of the bubble
		synctest.Wait()
		if n != 1 || b.Len() != 0 {
			t.Errorf("%d attempts, %d jobs are there", n, b.Len())
		}
		if c := b.Counts(); c != (outbox.Counts{Failed: 4, GivenUp: 2}) {
			t.Errorf("%+v", c)
		}
	})
}

// TestBounds: a box takes so many jobs and no more, those that wait for another attempt too, and an attempt takes no longer than it may.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := outbox.New(options())
		defer b.Close(t.Context())
		for range 3 {
			if _, err := b.Put(outbox.Job{Name: "slow", Do: func(ctx context.Context) error {
				<-ctx.Done()
				return ctx.Err()
			}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second) // of the bubble
		if _, err := b.Put(outbox.Job{}); !errors.Is(err, outbox.ErrFull) {
			t.Errorf("a full box says %v", err)
		}
		time.Sleep(3 * time.Hour) // of the bubble
		if b.Len() != 0 || b.Counts() != (outbox.Counts{Failed: 9, GivenUp: 3, Refused: 1}) {
			t.Errorf("%d jobs are there, %+v", b.Len(), b.Counts())
		}
	})
}

// TestClose: jobs that nobody tried yet are done, those that wait are forgotten, and nothing goes on when the time is over.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := outbox.New(options())
		done, ended := atomic.Int32{}, atomic.Int32{}
		put := func(do func(context.Context) error) {
			t.Helper()
			if _, err := b.Put(outbox.Job{Name: "x", Do: do}); err != nil {
				t.Fatal(err)
			}
		}
		put(func(context.Context) error { return errNot })
		synctest.Wait()
		for range 2 {
			put(func(ctx context.Context) error {
				select {
				case <-time.After(900 * time.Millisecond):
					done.Add(1)
				case <-ctx.Done():
					ended.Add(1)
				}
				return ctx.Err()
			})
		}
		b.Close(t.Context())
		if done.Load() != 2 || ended.Load() != 0 {
			t.Errorf("%d were done, %d not", done.Load(), ended.Load())
		}
		if _, err := b.Put(outbox.Job{}); !errors.Is(err, outbox.ErrClosed) {
			t.Errorf("a closed box says %v", err)
		}
		b = outbox.New(options())
		put(func(ctx context.Context) error {
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		})
		over, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		b.Close(over)
		if ended.Load() != 1 {
			t.Error("an attempt outlived its box")
		}
	})
}
