package enrol

import (
	"context"
	"errors"
	"math"
	"os"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// table is an attempt without a server: what a side says at a step lies there for the other one.
type table struct {
	mu      sync.Mutex // guards the fields below
	claimer map[string]cloud.ClaimerStep
	greeter map[string]cloud.GreeterStep
	news    chan struct{}
}

func newTable() *table {
	return &table{claimer: map[string]cloud.ClaimerStep{}, greeter: map[string]cloud.GreeterStep{}, news: make(chan struct{})}
}

// numbers are the steps.
func number(step any) string {
	switch step.(type) {
	case *cloud.ClaimerStep0WaitPeer, *cloud.GreeterStep0WaitPeer:
		return "0"
	case *cloud.ClaimerStep1SendHashedNonce, *cloud.GreeterStep1GetHashedNonce:
		return "1"
	case *cloud.ClaimerStep2GetNonce, *cloud.GreeterStep2SendNonce:
		return "2"
	default:
		return "3"
	}
}

// swap puts a step down and waits for what the other side puts there.
func swap[Own, Peer any](ctx context.Context, t *table, own map[string]Own, peers map[string]Peer, step Own) (Peer, bool, error) {
	n := number(step)
	t.mu.Lock()
	own[n] = step
	close(t.news)
	t.news = make(chan struct{})
	for {
		peer, ok := peers[n]
		news := t.news
		t.mu.Unlock()
		if ok {
			return peer, true, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return peer, false, context.Cause(ctx)
		}
		t.mu.Lock()
	}
}

func (t *table) claimerLine() *claimerLine {
	return &claimerLine{side: SideClaimer, pace: usual, tell: func(Notice) {}, ask: func(ctx context.Context, own cloud.ClaimerStep) (cloud.GreeterStep, bool, error) {
		return swap(ctx, t, t.claimer, t.greeter, own)
	}, end: hungUp}
}

func (t *table) greeterLine() *greeterLine {
	return &greeterLine{side: SideGreeter, pace: usual, tell: func(Notice) {}, ask: func(ctx context.Context, own cloud.GreeterStep) (cloud.ClaimerStep, bool, error) {
		return swap(ctx, t, t.greeter, t.claimer, own)
	}, end: hungUp}
}

func hungUp(context.Context, cloud.CancelledGreetingAttemptReason) error { return nil }

// asClaimer is the handshake of a claimer from step 0 on.
func asClaimer(ctx context.Context, l *claimerLine) (*channel, error) {
	own := trust.GeneratePrivateKey()
	public, err := own.Public()
	if err != nil {
		return nil, err
	}
	step, err := l.exchange(ctx, &cloud.ClaimerStep0WaitPeer{PublicKey: public})
	if err != nil {
		return nil, err
	}
	peer, err := want[*cloud.GreeterStep0WaitPeer](step)
	if err != nil {
		return nil, err
	}
	return claimerChannel(ctx, l, own, peer.PublicKey)
}

func asGreeter(ctx context.Context, l *greeterLine) (*channel, error) {
	own := trust.GeneratePrivateKey()
	public, err := own.Public()
	if err != nil {
		return nil, err
	}
	step, err := l.exchange(ctx, &cloud.GreeterStep0WaitPeer{PublicKey: public})
	if err != nil {
		return nil, err
	}
	peer, err := want[*cloud.ClaimerStep0WaitPeer](step)
	if err != nil {
		return nil, err
	}
	return greeterChannel(ctx, l, own, peer.PublicKey)
}

// codes are what people on both sides see: what each says, and what each expects to hear.
type codes struct{ claimer, greeter *channel }

// between is a man in the middle, who has a table with each side and plays the other one at it.
type between func(ctx context.Context, withClaimer, withGreeter *table) error

// parallel plays both roles as they are meant.
func parallel(ctx context.Context, a, b *table) error {
	var all sync.WaitGroup
	var errA, errB error
	all.Go(func() { _, errA = asGreeter(ctx, a.greeterLine()) })
	all.Go(func() { _, errB = asClaimer(ctx, b.claimerLine()) })
	all.Wait()
	return errors.Join(errA, errB)
}

// greeterFirst first brings the attempt with the greeter to its code, and only then the one with the claimer.
func greeterFirst(ctx context.Context, a, b *table) error {
	if _, err := asClaimer(ctx, b.claimerLine()); err != nil {
		return err
	}
	_, err := asGreeter(ctx, a.greeterLine())
	return err
}

// claimerFirst does it the other way round.
func claimerFirst(ctx context.Context, a, b *table) error {
	if _, err := asGreeter(ctx, a.greeterLine()); err != nil {
		return err
	}
	_, err := asClaimer(ctx, b.claimerLine())
	return err
}

func attack(t *testing.T, by between) codes {
	t.Helper()
	a, b := newTable(), newTable()
	c := codes{}
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { c.claimer, errs[0] = asClaimer(t.Context(), a.claimerLine()) })
	all.Go(func() { c.greeter, errs[1] = asGreeter(t.Context(), b.greeterLine()) })
	all.Go(func() { errs[2] = by(t.Context(), a, b) })
	all.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestManInTheMiddle attacks greetings whose codes are shortened to their first symbol, of 32. A man in the middle gets past the claimer, who compares the greeter's code, once in 32 times, and past
// both once in 1024 times, whatever the order in which he plays: neither more often nor less.
func TestManInTheMiddle(t *testing.T) {
	attacks := 2000
	if os.Getenv("PARSEC_SOAK") != "" {
		attacks = 1_000_000
	} else if testing.Short() {
		attacks = 600
	}
	orders := []between{parallel, greeterFirst, claimerFirst}
	first, both, full := 0, 0, 0
	var mu sync.Mutex
	var all sync.WaitGroup
	const workers = 4
	for w := range workers {
		all.Go(func() {
			for i := w; i < attacks && !t.Failed(); i += workers {
				c := attack(t, orders[i%len(orders)])
				heard := c.claimer.greeter[0] == c.greeter.greeter[0]
				mu.Lock()
				if heard {
					first++
				}
				if heard && c.claimer.claimer[0] == c.greeter.claimer[0] {
					both++
				}
				if c.claimer.greeter == c.greeter.greeter && c.claimer.claimer == c.greeter.claimer {
					full++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("of %d attacks %d got past the claimer, %d past both", attacks, first, both)
	expect(t, "past the claimer", first, attacks, 1./32)
	expect(t, "past both", both, attacks, 1./1024)
	if full > 0 {
		t.Errorf("%d attacks were not seen with codes of full length", full)
	}
}

// expect wants a count within six standard deviations, and one more for small ones: what chance exceeds once in 10^8 runs.
func expect(t *testing.T, what string, got, of int, p float64) {
	t.Helper()
	mean := float64(of) * p
	bound := 6*math.Sqrt(mean*(1-p)) + 6
	if math.Abs(float64(got)-mean) > bound {
		t.Errorf("%s: %d of %d, expected are %.1f ± %.1f", what, got, of, mean, bound)
	}
}

// TestWithoutCommitment shows what the announced digest is good for: who could choose a nonce after the other one gets any shortened code.
func TestWithoutCommitment(t *testing.T) {
	const attacks = 200
	got := 0
	for range attacks {
		shared := trust.GenerateSecretKey()
		_, want, err := trust.SASCodes(trust.GenerateSecretKey(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		claimer := trust.GenerateNonce()
		for range 32 * 16 {
			own := trust.GenerateNonce()
			_, code, err := trust.SASCodes(shared, claimer[:], own[:])
			if err != nil {
				t.Fatal(err)
			}
			if code[0] == want[0] {
				got++
				break
			}
		}
	}
	if got < attacks-2 {
		t.Errorf("only %d of %d attacks succeeded: the test above would not notice a protocol without commitment", got, attacks)
	}
}

// TestNonceOfAnother answers step 3 with another nonce than was announced.
func TestNonceOfAnother(t *testing.T) {
	b := newTable()
	l := b.claimerLine()
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all.Go(func() {
		nonce := trust.GenerateNonce()
		for _, step := range []cloud.ClaimerStep{
			&cloud.ClaimerStep0WaitPeer{PublicKey: trust.PublicKey{9}}, &cloud.ClaimerStep1SendHashedNonce{}, &cloud.ClaimerStep2GetNonce{},
			&cloud.ClaimerStep3SendNonce{ClaimerNonce: nonce[:]},
		} {
			if _, err := l.exchange(ctx, step); err != nil {
				return
			}
		}
	})
	_, err := asGreeter(ctx, b.greeterLine())
	all.Wait()
	if over, ok := errors.AsType[*OverError](err); !ok || over.Reason != cloud.CancelledInvalidNonceHash || over.By != SideGreeter {
		t.Errorf("the greeter says %v", err)
	}
}

// TestWeakKeys offers keys with which everybody can compute.
func TestWeakKeys(t *testing.T) {
	own := trust.GeneratePrivateKey()
	table := newTable()
	_, errC := claimerChannel(t.Context(), table.claimerLine(), own, trust.PublicKey{})
	_, errG := greeterChannel(t.Context(), table.greeterLine(), own, trust.PublicKey{1})
	for _, err := range []error{errC, errG} {
		if over, ok := errors.AsType[*OverError](err); !ok || over.Reason != cloud.CancelledInconsistentPayload {
			t.Errorf("a weak key: %v", err)
		}
	}
}
