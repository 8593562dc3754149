package pkcs11_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/cardtest"
)

// dice are random numbers that PARSEC_SEED repeats.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	n := uint64(time.Now().UnixNano()) //nolint:gosec // any number does
	if text := os.Getenv("PARSEC_SEED"); text != "" {
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("PARSEC_SEED: %v", err)
		}
	}
	t.Logf("PARSEC_SEED=%d repeats this run", n)
	return rand.New(rand.NewPCG(n, 0)) //nolint:gosec // a test
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

// lost returns the requests that failed though the token was there all the time.
func (l *load) lost(absences []span) []attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.failed), func(a attempt) bool {
		return slices.ContainsFunc(absences, a.overlaps)
	})
}

// recovery is how long after its return a token may be without service.
const recovery = time.Second

// TestCardRemovals takes the card out at random times and puts it in again while clients
// sign.
func TestCardRemovals(t *testing.T) {
	random := dice(t)
	c := cardtest.New(cardtest.Options{})
	c.Put(t, cardtest.Authentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.CardAuthentication, cardtest.P256, x509.KeyUsageDigitalSignature)
	c.Put(t, cardtest.Signature, cardtest.P256, x509.KeyUsageDigitalSignature)
	reader, _ := insert(t, cardtest.AnyReader, c)
	logged := &logs{}
	o := cardOptions(t, cardtest.OpenSC(t))
	o.Logger = logged.logger()
	p := open(t, o)
	l := press(t, p, 8, cardKey(1, p256), cardKey(1, p256), cardKey(4, p256), cardKey(2, p256))
	var absences []span
	var took []time.Duration
	for range rounds(20, 200) {
		l.success(t)
		pause(t.Context(), time.Duration(random.IntN(300))*time.Millisecond)
		from := time.Now()
		reader.Remove(0)
		pause(t.Context(), time.Duration(500+random.IntN(700))*time.Millisecond)
		reader.Insert(0, c)
		back := time.Now()
		absences = append(absences, span{from, back.Add(recovery)})
		c.Await(t)
		pc := time.Since(back)
		l.success(t)
		took = append(took, time.Since(back))
		t.Logf("absent %v, pcscd %v, then %v", back.Sub(from), pc, time.Since(back)-pc)
	}
	l.end()
	slices.Sort(took)
	t.Logf("%d requests done, %d failed; recovery after insertion: median %v, maximum %v", l.done, len(l.failed), took[len(took)/2], took[len(took)-1])
	if most := took[len(took)-1]; most > recovery {
		t.Errorf("service came back after %v", most)
	}
	for _, a := range l.lost(absences) {
		t.Errorf("lost: %v", a.err)
	}
	messages := map[string]int{}
	for _, a := range l.failed {
		messages[fmt.Sprint(a.err)]++
	}
	for m, n := range messages {
		t.Logf("%d × %s", n, m)
	}
	t.Logf("%+v tries %d %v", c.Counts(), c.Tries(), took)
	if os.Getenv("V") != "" {
		t.Log(logged)
	}
}
