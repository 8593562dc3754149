package pkcs11_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
)

// dice are random numbers that PARSEC_SEED repeats.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
	}
	t.Logf("PARSEC_SEED=%d repeats this run", n)
	return rand.New(rand.NewPCG(n, 0))
}

// rounds is how often a long test does its work: fewer times than in a soak.
func rounds(usual, soak int) int {
	if os.Getenv("PARSEC_SOAK") != "" {
		return soak
	}
	return usual
}

// span is a time with a beginning and an end.
type span struct{ from, to time.Time }

func (s span) overlaps(o span) bool { return s.from.Before(o.to) && o.from.Before(s.to) }

// attempt is one request of a client.
type attempt struct {
	span
	err error
}

// load is clients that sign without pause.
type load struct {
	stop    context.CancelFunc
	clients sync.WaitGroup

	mu       sync.Mutex // guards the fields below
	failed   []attempt
	absences []span
	done     int
	answered chan struct{} // closed and renewed at each success
}

// press lets clients sign with the keys in turn.
func press(t *testing.T, p *pkcs11.Provider, clients int, keys ...providers.Key) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{stop: cancel, answered: make(chan struct{})}
	for n := range clients {
		key := keys[n%len(keys)]
		l.clients.Go(func() {
			for ctx.Err() == nil {
				from := time.Now()
				_, err := p.SignHash(ctx, key, key.Attributes.Alg, make([]byte, 32))
				if errors.Is(err, context.Canceled) {
					return
				}
				l.note(attempt{span{from, time.Now()}, err})
				if err != nil {
					pause(ctx, 10*time.Millisecond) // as a client would before it tries again
				}
			}
		})
	}
	t.Cleanup(l.end)
	return l
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (l *load) note(a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.err != nil {
		l.failed = append(l.failed, a)
		return
	}
	l.done++
	close(l.answered)
	l.answered = make(chan struct{})
}

// success waits for the next request that succeeds.
func (l *load) success(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	answered := l.answered
	l.mu.Unlock()
	select {
	case <-answered:
	case <-time.After(30 * time.Second):
		l.mu.Lock()
		defer l.mu.Unlock()
		t.Fatalf("no request succeeded in 30 s; the last failures: %v", l.failed[max(0, len(l.failed)-3):])
	}
}

func (l *load) end() {
	l.stop()
	l.clients.Wait()
}

// absence notes that the token was away, from a time until the next request that succeeds,
// and returns how long after back that was.
func (l *load) absence(t *testing.T, from, back time.Time) time.Duration {
	t.Helper()
	l.success(t)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absences = append(l.absences, span{from, now})
	return now.Sub(back)
}

// check ends the load and reports requests that failed though the token was there, and
// failures that do not say what is the matter.
func (l *load) check(t *testing.T) {
	t.Helper()
	l.end()
	for _, a := range l.failed {
		if !slices.ContainsFunc(l.absences, a.overlaps) {
			t.Errorf("lost: %v", a.err)
		}
		if wire.StatusOf(a.err) != wire.StatusHardwareFailure && wire.StatusOf(a.err) != wire.StatusCommunicationFailure {
			t.Errorf("status %d: %v", wire.StatusOf(a.err), a.err)
		}
	}
	if l.done == 0 {
		t.Error("no request was done")
	}
	t.Logf("%d requests done, %d failed in %d absences", l.done, len(l.failed), len(l.absences))
}

// precise returns how many failures say that the token is away.
func (l *load) precise() int {
	n := 0
	for _, a := range l.failed {
		if e, ok := errors.AsType[*wire.Error](a.err); ok && strings.HasPrefix(e.Remedy, "insert the token") {
			n++
		}
	}
	return n
}
