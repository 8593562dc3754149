package blockstest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func testOneWinner(t *testing.T, c Config) {
	place := c.Place(t)
	s, org := open(t, c, place), Org(t, "o")
	other := s
	if !c.Volatile {
		other = open(t, c, place)
	}
	for range 5 {
		id := trust.NewBlockID()
		const creators = 16
		var winner, won atomic.Int64
		var wg sync.WaitGroup
		for i := range creators {
			wg.Go(func() {
				err := []blocks.Store{s, other}[i%2].Create(t.Context(), org, id, Content(id, byte(i), 3000))
				switch {
				case err == nil:
					winner.Store(int64(i))
					won.Add(1)
				case !errors.Is(err, blocks.ErrExists):
					t.Errorf("creator %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := won.Load(); n > 1 || n == 0 && !c.MayAllLose {
			t.Fatalf("%d of %d creators of one id won", n, creators)
		}
		if won.Load() == 1 {
			holds(t, s, org, id, Content(id, byte(winner.Load()), 3000))
			holds(t, other, org, id, Content(id, byte(winner.Load()), 3000))
		}
	}
}

// testSameContent: many who retry the same creation are all told that it is done.
func testSameContent(t *testing.T, c Config) {
	s, org, id := open(t, c, c.Place(t)), Org(t, "o"), trust.NewBlockID()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if err := s.Create(t.Context(), org, id, Content(id, 0, 3000)); err != nil {
				t.Errorf("creator %d: %v", i, err)
			}
			holds(t, s, org, id, Content(id, 0, 3000))
		})
	}
	wg.Wait()
}

// testManyWriters creates and deletes from many goroutines while others read and list.
func testManyWriters(t *testing.T, c Config) {
	s, org := open(t, c, c.Place(t)), Org(t, "o")
	const writers, rounds = 16, 6
	kept := make([][]trust.BlockID, writers)
	var wg, readers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	readers.Go(func() { watch(ctx, t, s, org) })
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				id := trust.NewBlockID()
				if err := s.Create(t.Context(), org, id, Content(id, 0, 2000)); err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					kept[w] = append(kept[w], id)
				} else if err := s.Delete(t.Context(), org, id); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	readers.Wait()
	there := map[trust.BlockID]bool{}
	for _, id := range ids(t, s, org) {
		there[id] = true
	}
	for _, some := range kept {
		for _, id := range some {
			holds(t, s, org, id, Content(id, 0, 2000))
			if !there[id] {
				t.Errorf("%s is not listed", id)
			}
			delete(there, id)
		}
	}
	if len(there) != 0 {
		t.Errorf("%d deleted blocks are listed", len(there))
	}
}

// watch lists and reads until it is told to stop: what it sees is whole, or gone.
func watch(ctx context.Context, t *testing.T, s blocks.Store, org trust.OrganizationID) {
	t.Helper()
	for ctx.Err() == nil {
		page, err := s.List(ctx, org, nil, blocks.MaxPage)
		if err != nil && ctx.Err() == nil {
			t.Errorf("list: %v", err)
		}
		for _, e := range page {
			data, err := s.Read(ctx, org, e.ID)
			switch {
			case err == nil && !bytes.Equal(data, Content(e.ID, 0, 2000)):
				t.Errorf("%s is torn: %d bytes", e.ID, len(data))
			case err != nil && !errors.Is(err, blocks.ErrNotFound) && ctx.Err() == nil:
				t.Errorf("read: %v", err)
			}
		}
	}
}

// testModel compares a random life with that of a map.
func testModel(t *testing.T, c Config) {
	s, random := open(t, c, c.Place(t)), rand.New(rand.NewPCG(seed(t), 1))
	orgs := []trust.OrganizationID{Org(t, "a"), Org(t, "b")}
	type key struct{ org, id int }
	names, model := make([]trust.BlockID, 6), map[key][]byte{}
	for i := range names {
		names[i] = trust.NewBlockID()
	}
	steps := 400
	if c.Slow {
		steps = 120
	}
	for range steps {
		k := key{random.IntN(len(orgs)), random.IntN(len(names))}
		org, id := orgs[k.org], names[k.id]
		want, there := model[k]
		switch random.IntN(4) {
		case 0, 1:
			data := Content(id, byte(random.IntN(2)), random.IntN(2)*100)
			err := s.Create(t.Context(), org, id, data)
			if there && !bytes.Equal(data, want) {
				is(t, "create another", err, blocks.ErrExists)
			} else {
				is(t, "create", err, nil)
				model[k] = data
			}
		case 2:
			if there {
				holds(t, s, org, id, want)
			} else {
				absent(t, s, org, id)
			}
		case 3:
			remove(t, s, org, id)
			delete(model, k)
		}
		if t.Failed() {
			return
		}
	}
	listed := len(ids(t, s, orgs[0])) + len(ids(t, s, orgs[1]))
	if listed != len(model) {
		t.Errorf("%d blocks are listed, the model has %d", listed, len(model))
	}
}
