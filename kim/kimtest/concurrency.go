package kimtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
)

func testOneWinner(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	const creators = 64
	var winner, won atomic.Int64
	var wg sync.WaitGroup
	for i := range creators {
		wg.Go(func() {
			err := Create(t, s, entry(Alice, "wanted", fmt.Sprint(i), P256()))
			switch {
			case err == nil:
				winner.Store(int64(i))
				won.Add(1)
			case !errors.Is(err, kim.ErrExists):
				t.Errorf("creator %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d of %d creators of one name won", won.Load(), creators)
	}
	want := entry(Alice, "wanted", fmt.Sprint(winner.Load()), P256())
	holds(t, s, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	Same(t, "after reopening", open(t, c, dir).All(), []kim.Entry{want})
}

// testManyWriters creates, updates and deletes from many goroutines while others read.
func testManyWriters(t *testing.T, c Config) {
	dir := t.TempDir()
	s := open(t, c, dir)
	const writers, keys = 32, 6
	var wg, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for _, e := range s.List(Alice) {
					if len(e.KeyID) == 0 || e.Attributes != P256() && e.Attributes != Ed25519() {
						t.Errorf("half an entry: %+v", e)
						return
					}
				}
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			for k := range keys {
				e := entry(Alice, psa.KeyName(fmt.Sprintf("%02d/%d", w, k)), "first", P256())
				if k == 5 {
					e.Attributes = Ed25519()
				}
				if err := Create(t, s, e); err != nil {
					t.Errorf("create %s: %v", e.Name, err)
					return
				}
				e.KeyID = []byte("second")
				var err error
				if k%2 == 0 {
					err = s.Delete(t.Context(), e)
				} else {
					err = s.Update(t.Context(), e)
				}
				if err != nil {
					t.Errorf("change %s: %v", e.Name, err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	readers.Wait()
	want := s.All()
	if len(want) != writers*keys/2 {
		t.Errorf("%d entries, want %d", len(want), writers*keys/2)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	Same(t, "after reopening", open(t, c, dir).All(), want)
}

func testCancelled(t *testing.T, c Config) {
	s := open(t, c, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := s.Reserve(Alice, "web", Software)
	if err != nil {
		t.Fatal(err)
	}
	is(t, "commit", r.Commit(ctx, []byte("id"), P256()), context.Canceled)
	web := entry(Alice, "web", "id", P256())
	create(t, s, web)
	is(t, "delete", s.Delete(ctx, web), context.Canceled)
	is(t, "update", s.Update(ctx, web), context.Canceled)
	holds(t, s, web)
}
