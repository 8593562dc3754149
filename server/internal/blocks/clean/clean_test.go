package clean_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/clean"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// rows is a small metadata store, of one organisation.
type rows struct {
	mu        sync.Mutex // guards the fields below
	made      map[trust.BlockID]bool
	condemned map[trust.BlockID]time.Time
	broken    error
	limit     int // the most ids that were asked for at once
}

func newRows() *rows {
	return &rows{made: map[trust.BlockID]bool{}, condemned: map[trust.BlockID]time.Time{}}
}

// reserve makes a row, as a server does before it stores a block.
func (r *rows) reserve(id trust.BlockID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, c := r.condemned[id]; c || r.made[id] {
		return false
	}
	r.made[id] = true
	return true
}

func (r *rows) drop(id trust.BlockID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.made, id)
}

func (r *rows) Condemn(ctx context.Context, _ trust.OrganizationID, ids []trust.BlockID) ([]trust.BlockID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = max(r.limit, len(ids))
	if err := errors.Join(ctx.Err(), r.broken); err != nil {
		return nil, err
	}
	some := []trust.BlockID{}
	for _, id := range ids {
		if at, c := r.condemned[id]; r.made[id] || c && time.Since(at) < clean.Hold {
			continue
		}
		r.condemned[id] = time.Now()
		some = append(some, id)
	}
	return some, nil
}

func (r *rows) Release(ctx context.Context, _ trust.OrganizationID, ids []trust.BlockID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		delete(r.condemned, id)
	}
	return ctx.Err()
}

// aged is a store whose blocks are as old as a test wants, and that fails when it wants.
type aged struct {
	blocks.Store

	age   time.Duration
	fails func(trust.BlockID) bool
}

func (a aged) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	page, err := a.Store.List(ctx, org, after, limit)
	for i := range page {
		page[i].Modified = page[i].Modified.Add(-a.age)
	}
	return page, err
}

func (a aged) Delete(ctx context.Context, org trust.OrganizationID, id trust.BlockID) error {
	if a.fails != nil && a.fails(id) {
		return blocks.Unavailable(errors.New("the test wants it"))
	}
	runtime.Gosched() // as a request on its way
	return a.Store.Delete(ctx, org, id)
}

// filled is a store of blocks, every third of which has a row.
func filled(t *testing.T, n int, age time.Duration) (aged, *rows, []trust.BlockID) {
	t.Helper()
	s, r := aged{Store: memory.New(1 << 30), age: age}, newRows()
	ids := make([]trust.BlockID, n)
	for i := range ids {
		ids[i] = trust.NewBlockID()
		if err := s.Create(t.Context(), blockstest.Org(t, "o"), ids[i], ids[i][:]); err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			r.reserve(ids[i])
		}
	}
	return s, r, ids
}

func count(t *testing.T, s blocks.Store) int {
	t.Helper()
	n := 0
	for _, err := range blocks.All(t.Context(), s, blockstest.Org(t, "o")) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func TestSweep(t *testing.T) {
	org := blockstest.Org(t, "o")
	for n, age := range map[int]time.Duration{0: 25 * time.Hour, 1: 25 * time.Hour, 3 * clean.Batch: 25 * time.Hour, 2401: 25 * time.Hour, 2402: 23 * time.Hour} {
		s, r, ids := filled(t, n, age)
		want := clean.Report{Seen: n, Kept: (n + 2) / 3, Removed: n - (n+2)/3}
		if age < clean.DefaultAge {
			want = clean.Report{Seen: n, Young: n}
		}
		got, err := clean.Sweep(t.Context(), s, r, org, clean.DefaultAge)
		if err != nil || got != want {
			t.Errorf("%d blocks: %+v, %v, want %+v", n, got, err, want)
		}
		if left := count(t, s); left != n-want.Removed || len(r.condemned) != 0 || r.limit > clean.Batch {
			t.Errorf("%d blocks: %d are left, %d condemned, batches of %d", n, left, len(r.condemned), r.limit)
		}
		for id := range r.made {
			if _, err := s.Read(t.Context(), org, id); err != nil {
				t.Errorf("a block with a row: %v", err)
			}
		}
		_ = ids
	}
	s, r, _ := filled(t, 1, 0)
	if _, err := clean.Sweep(t.Context(), s, r, org, time.Minute); !errors.Is(err, blocks.ErrInvalid) {
		t.Errorf("an age of a minute: %v", err)
	}
}

func TestPurge(t *testing.T) {
	s, r, ids := filled(t, 500, 0)
	got, err := clean.Purge(t.Context(), s, r, blockstest.Org(t, "o"), slices.Values(append(ids, trust.NewBlockID())))
	if want := (clean.Report{Seen: 501, Kept: 167, Removed: 334}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if left := count(t, s); left != 167 || len(r.condemned) != 0 {
		t.Errorf("%d are left, %d condemned", left, len(r.condemned))
	}
}

// TestFailures: what cannot be removed stays condemned, for the request may still arrive.
func TestFailures(t *testing.T) {
	org := blockstest.Org(t, "o")
	s, r, ids := filled(t, 30, 0)
	s.fails = func(id trust.BlockID) bool { return id == ids[1] || id == ids[2] }
	got, err := clean.Purge(t.Context(), s, r, org, slices.Values(ids))
	want := clean.Report{Seen: 30, Kept: 10, Removed: 18, Failed: 2}
	if !errors.Is(err, blocks.ErrUnavailable) || !strings.Contains(err.Error(), "cannot remove block") || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if r.reserve(ids[1]) || r.reserve(ids[2]) || !r.reserve(ids[4]) {
		t.Errorf("condemned: %v", r.condemned)
	}
	s.fails = nil
	r.drop(ids[4])
	if got, err := clean.Purge(t.Context(), s, r, org, slices.Values(ids)); err != nil || got.Kept != 12 {
		t.Errorf("within the hour of another: %+v, %v", got, err)
	}
	for id := range r.condemned {
		r.condemned[id] = time.Now().Add(-clean.Hold - time.Second)
	}
	if got, err := clean.Purge(t.Context(), s, r, org, slices.Values(ids)); err != nil || got.Kept != 10 || count(t, s) != 10 {
		t.Errorf("an hour later: %+v, %v", got, err)
	}
}

func TestGivesUp(t *testing.T) {
	org := blockstest.Org(t, "o")
	s, r, ids := filled(t, 3000, 0)
	tries := 0
	s.fails = func(trust.BlockID) bool { tries++; return true }
	if got, err := clean.Purge(t.Context(), s, r, org, slices.Values(ids)); !errors.Is(err, blocks.ErrUnavailable) || got.Removed != 0 || tries > 20 {
		t.Errorf("%+v, %v after %d tries", got, err, tries)
	}
	s, r, ids = filled(t, 3000, 0)
	r.broken = errors.New("no data base")
	if got, err := clean.Purge(t.Context(), s, r, org, slices.Values(ids)); !errors.Is(err, r.broken) || got.Seen != clean.Batch {
		t.Errorf("%+v, %v", got, err)
	}
	if count(t, s) != 3000 {
		t.Error("something was removed")
	}
}

// TestStopped: a cleaner that is told to stop releases what it has removed.
func TestStopped(t *testing.T) {
	s, r, ids := filled(t, 300, 0)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s.fails = func(trust.BlockID) bool {
		if n++; n == 50 {
			cancel()
		}
		return false
	}
	got, err := clean.Purge(ctx, s, r, blockstest.Org(t, "o"), slices.Values(ids))
	if !errors.Is(err, context.Canceled) || got.Removed != 49 {
		t.Errorf("%+v, %v", got, err)
	}
	if left := count(t, s); left != 300-got.Removed || len(r.condemned) != 2*clean.Batch/3-got.Removed {
		t.Errorf("%d are left, %d condemned", left, len(r.condemned))
	}
}

// TestBesideCreation runs cleaners beside servers that create blocks, die in the middle and
// are asked again with the same ids: no block with a row is ever absent.
func TestBesideCreation(t *testing.T) {
	org, r := blockstest.Org(t, "o"), newRows()
	s := aged{Store: memory.New(1 << 30), age: 48 * time.Hour} // everything is old enough
	ids := make([]trust.BlockID, 8)                            // few, so that they meet
	for i := range ids {
		ids[i] = trust.NewBlockID()
	}
	var stop atomic.Bool
	var cleaned atomic.Int64
	var cleaners, servers sync.WaitGroup
	for range 2 {
		cleaners.Go(func() {
			for !stop.Load() {
				got, err := clean.Sweep(t.Context(), s, r, org, clean.DefaultAge)
				if err != nil {
					t.Error(err)
				}
				cleaned.Add(int64(got.Removed))
			}
		})
	}
	for server := range 8 {
		servers.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(server), 1))
			for range 3000 {
				id := ids[dice.IntN(len(ids))]
				if !r.reserve(id) {
					continue
				}
				if err := s.Create(t.Context(), org, id, id[:]); err != nil {
					t.Errorf("create: %v", err)
				}
				if dice.IntN(2) == 0 { // it dies, and its reservation with it
					r.drop(id)
					continue
				}
				for range 3 {
					runtime.Gosched()
					if got, err := s.Read(t.Context(), org, id); err != nil || !bytes.Equal(got, id[:]) {
						t.Errorf("a block with a row: %x, %v", got, err)
					}
				}
				r.drop(id) // its realm is purged
			}
		})
	}
	servers.Wait()
	stop.Store(true)
	cleaners.Wait()
	if cleaned.Load() == 0 {
		t.Error("nothing was removed: the test tests nothing")
	}
	if _, err := clean.Sweep(t.Context(), s, r, org, clean.DefaultAge); err != nil || count(t, s) != 0 {
		t.Errorf("%d are left, %v", count(t, s), err)
	}
}
