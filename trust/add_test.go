package trust

import (
	"errors"
	"runtime"
	"testing"
)

// grown is an organisation with many changes of one user's profile.
func grown(t testing.TB, changes int) (*organisation, Batch) {
	t.Helper()
	o := newOrganisation(t)
	o.enrol("", "alice", Admin)
	o.enrol("alice", "bob", Standard)
	for i := range changes {
		o.common("alice", o.update("alice", "bob", []Profile{Admin, Standard}[i%2]))
	}
	return o, o.batch()
}

// TestForgeryAmongMany: the first one that is wrong is named, however many processors verify.
func TestForgeryAmongMany(t *testing.T) {
	const changes, forged = 2*window + 100, window + 50
	o, batch := grown(t, changes)
	for _, at := range []int{forged, forged + 1, changes} {
		batch.Common[at] = append([]byte(nil), batch.Common[at]...)
		batch.Common[at][0] ^= 1
	}
	for _, processors := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(processors)
		err := o.store("alice").Add(batch)
		runtime.GOMAXPROCS(before)
		refusal := &RefusalError{}
		if !errors.As(err, &refusal) || refusal.Index != forged || refusal.Reason != Corrupted || !errors.Is(err, ErrSignature) {
			t.Errorf("%d processors: %v", processors, err)
		}
	}
}

// TestBatchesAddUp: one batch or many give the same store.
func TestBatchesAddUp(t *testing.T) {
	o, batch := grown(t, 40)
	whole, parts := o.store("bob"), o.store("bob")
	if err := whole.Add(batch); err != nil {
		t.Fatal(err)
	}
	for len(batch.Common) > 0 {
		n := min(4, len(batch.Common))
		if err := parts.Add(Batch{Common: batch.Common[:n]}); err != nil {
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
	o, batch := grown(b, changes)
	b.ReportAllocs()
	for b.Loop() {
		if err := o.store("alice").Add(batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*changes), "µs/certificate")
}
