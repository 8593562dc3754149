package trust_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// grown is an organisation with many changes of one user's profile.
func grown(changes int) (*founded, trust.Batch) {
	f := found(trusttest.Options{})
	for i := range changes {
		f.Update(f.alice.Devices[0], f.bob, []trust.Profile{trust.Admin, trust.Standard}[i%2])
	}
	return f, f.Stream(f.alice).Batch()
}

// TestForgeryAmongMany: the first one that is wrong is named, however many processors verify.
func TestForgeryAmongMany(t *testing.T) {
	const changes, forged = 2*trust.Window + 100, trust.Window + 50
	f, batch := grown(changes)
	for _, at := range []int{forged, forged + 1, changes} {
		batch.Common[at] = bytes.Clone(batch.Common[at])
		batch.Common[at][0] ^= 1
	}
	for _, processors := range []int{1, 2, 7} {
		err := onProcessors(processors, func() error { return f.Store(f.alice).Add(batch) })
		refusal := &trust.RefusalError{}
		if !errors.As(err, &refusal) || refusal.Index != forged || refusal.Reason != trust.Corrupted || !errors.Is(err, trust.ErrSignature) {
			t.Errorf("%d processors: %v", processors, err)
		}
	}
}

// TestBatchesAddUp: one batch or many give the same store.
func TestBatchesAddUp(t *testing.T) {
	f, batch := grown(40)
	whole, parts := f.Store(f.bob), f.Store(f.bob)
	if err := whole.Add(trust.Batch{Common: batch.Common}); err != nil {
		t.Fatal(err)
	}
	for len(batch.Common) > 0 {
		n := min(4, len(batch.Common))
		if err := parts.Add(trust.Batch{Common: batch.Common[:n]}); err != nil {
			t.Fatal(err)
		}
		batch.Common = batch.Common[n:]
	}
	if a, b := describe(whole), describe(parts); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

// BenchmarkAdd validates certificates of one author.
func BenchmarkAdd(b *testing.B) {
	const changes = 2000
	f, batch := grown(changes)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Store(f.alice).Add(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*changes), "µs/certificate")
}
