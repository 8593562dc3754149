package blockstest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// outageLimit bounds how long a store may take to work again by itself.
const outageLimit = 60 * time.Second

// Outage writes while outage takes away what the store stands on and brings it back. Each
// error in between says that the store is not available, everything acknowledged is
// there afterwards, and what was not is done by doing it again.
func Outage(t *testing.T, s blocks.Store, outage func()) {
	t.Helper()
	org, stop := Org(t, "o"), make(chan struct{})
	var mu sync.Mutex // guards the fields below
	var done []trust.BlockID
	failed := 0
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(done)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for id := trust.NewBlockID(); ; {
				err := s.Create(t.Context(), org, id, Content(id, 0, 20_000))
				mu.Lock()
				if err == nil {
					done = append(done, id)
					id = trust.NewBlockID()
				} else {
					failed++
				}
				mu.Unlock()
				if err != nil && !errors.Is(err, blocks.ErrUnavailable) {
					t.Errorf("create: %v", err)
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
			}
		})
	}
	await(t, "writing", func() bool { return count() >= 20 })
	outage()
	before := count()
	await(t, "writing after the outage", func() bool { return count() >= before+20 })
	close(stop)
	wg.Wait()
	for _, id := range done {
		holds(t, s, org, id, Content(id, 0, 20_000))
	}
	if listed := len(ids(t, s, org)); listed < len(done) {
		t.Errorf("%d blocks are listed, %d were acknowledged", listed, len(done))
	}
	t.Logf("%d blocks acknowledged, %d creations failed meanwhile", len(done), failed)
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(outageLimit); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no progress in %s within %v", what, outageLimit)
		}
	}
}
