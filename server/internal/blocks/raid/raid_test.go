package raid_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/raid"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds are the sets, each with a number of nodes.
var kinds = []struct {
	name  string
	nodes int
	spare int // how many nodes may fail while all is read
	build func(stores []blocks.Store, o raid.Options) (blocks.Store, error)
}{
	{"RAID0", 3, 0, func(s []blocks.Store, o raid.Options) (blocks.Store, error) { return raid.NewStripe(s, o.Log) }},
	{"RAID1", 3, 2, func(s []blocks.Store, o raid.Options) (blocks.Store, error) { return raid.NewMirror(s, o) }},
	{"RAID5", 3, 1, func(s []blocks.Store, o raid.Options) (blocks.Store, error) { return raid.NewParity(s, o) }},
	{"RAID5of8", 8, 1, func(s []blocks.Store, o raid.Options) (blocks.Store, error) { return raid.NewParity(s, o) }},
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestRAID5 runs over directories, and is killed. What the sets have in common is tried
// with it; the others run in memory.
func TestRAID5(t *testing.T) {
	k := kinds[2]
	blockstest.Run(t, blockstest.Config{
		Place: func(t testing.TB) string { return t.TempDir() },
		Open: func(t testing.TB, place string) (blocks.Store, error) {
			t.Helper()
			stores := make([]blocks.Store, k.nodes)
			for i := range stores {
				s, err := directory.Open(filepath.Join(place, strconv.Itoa(i)))
				if err != nil {
					return nil, err
				}
				stores[i] = s
			}
			return k.build(stores, raid.Options{Log: quiet()})
		},
		MayAllLose: true, Slow: true,
	})
}

func TestInMemory(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			blockstest.Run(t, blockstest.Config{
				Place: func(testing.TB) string { return "" },
				Open: func(testing.TB, string) (blocks.Store, error) {
					_, stores := nodes(k.nodes)
					return k.build(stores, raid.Options{Log: quiet()})
				},
				MayAllLose: k.name != "RAID0", Volatile: true,
			})
		})
	}
}

// node is a store that fails in ways that a test chooses.
type node struct {
	blocks.Store

	mode atomic.Int32
}

// Modes of a node.
const (
	works int32 = iota
	fails
	hangs
	forgets // reads nothing, as a replaced disk
)

func (n *node) gate(ctx context.Context) error {
	switch n.mode.Load() {
	case fails:
		return blocks.Unavailable(errors.New("the node fails"))
	case hangs:
		<-ctx.Done()
		return blocks.Unavailable(ctx.Err())
	}
	return nil
}

func (n *node) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if err := n.gate(ctx); err != nil {
		return err
	}
	return n.Store.Create(ctx, org, id, data)
}

func (n *node) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if err := n.gate(ctx); err != nil {
		return nil, err
	}
	if n.mode.Load() == forgets {
		return nil, blocks.ErrNotFound
	}
	return n.Store.Read(ctx, org, id)
}

func (n *node) Health(ctx context.Context) error { return n.gate(ctx) }

// nodes makes working nodes in memory.
func nodes(n int) ([]*node, []blocks.Store) {
	some, stores := make([]*node, n), make([]blocks.Store, n)
	for i := range some {
		some[i] = &node{Store: memory.New(64 << 20)}
		stores[i] = some[i]
	}
	return some, stores
}

func closed(t *testing.T, s blocks.Store, err error) blocks.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestFailingNodes: for each set and each choice of failing nodes, what must be read is
// read, and nothing is acknowledged that some node does not have.
func TestFailingNodes(t *testing.T) {
	for _, k := range kinds {
		for _, mode := range []int32{fails, forgets} {
			some, stores := nodes(k.nodes)
			s, err := k.build(stores, raid.Options{Log: quiet()})
			s, org := closed(t, s, err), blockstest.Org(t, "o")
			ids := make([]trust.BlockID, 5)
			for i := range ids {
				ids[i] = trust.NewBlockID()
				if err := s.Create(t.Context(), org, ids[i], blockstest.Content(ids[i], 0, 1000*i)); err != nil {
					t.Fatal(err)
				}
			}
			for mask := range 1 << k.nodes {
				failing := 0
				for i, n := range some {
					n.mode.Store(works)
					if mask>>i&1 == 1 {
						n.mode.Store(mode)
						failing++
					}
				}
				checkFailing(t, k.name, s, org, ids, mode, failing, k.spare)
			}
		}
	}
}

func checkFailing(t *testing.T, kind string, s blocks.Store, org trust.OrganizationID, ids []trust.BlockID, mode int32, failing, spare int) {
	t.Helper()
	for i, id := range ids {
		got, err := s.Read(t.Context(), org, id)
		whole := err == nil && string(got) == string(blockstest.Content(id, 0, 1000*i))
		switch {
		case failing <= spare && !whole:
			t.Errorf("%s: %d nodes fail: read %d bytes of %d, %v", kind, failing, len(got), 1000*i, err)
		case failing > spare && !whole && mode == fails && !errors.Is(err, blocks.ErrUnavailable):
			t.Errorf("%s: %d nodes fail: %v", kind, failing, err)
		case failing > spare && !whole && mode == forgets && !errors.Is(err, blocks.ErrNotFound):
			t.Errorf("%s: %d nodes forgot: %v", kind, failing, err)
		case failing > spare && whole && kind != "RAID0":
			t.Errorf("%s: %d nodes fail and the block is read", kind, failing)
		}
	}
	if mode != fails {
		return
	}
	id := trust.NewBlockID()
	err := s.Create(t.Context(), org, id, blockstest.Content(id, 0, 100))
	if failing > 0 && kind != "RAID0" && !errors.Is(err, blocks.ErrUnavailable) {
		t.Errorf("%s: %d nodes fail: create: %v", kind, failing, err)
	}
	want := error(nil)
	switch {
	case failing > spare:
		want = blocks.ErrUnavailable
	case failing > 0:
		want = blocks.ErrDegraded
	}
	if err := s.Health(t.Context()); !errors.Is(err, want) {
		t.Errorf("%s: %d nodes fail: health %v, want %v", kind, failing, err, want)
	}
}

func TestPartialCreate(t *testing.T) {
	for _, k := range kinds[1:] {
		some, stores := nodes(k.nodes)
		s, err := k.build(stores, raid.Options{PartialCreate: true, Log: quiet()})
		s, org := closed(t, s, err), blockstest.Org(t, "o")
		for mask := range 1 << k.nodes {
			failing := 0
			for i, n := range some {
				n.mode.Store(works)
				if mask>>i&1 == 1 {
					n.mode.Store(fails)
					failing++
				}
			}
			id := trust.NewBlockID()
			want := blockstest.Content(id, 0, 1000)
			err := s.Create(t.Context(), org, id, want)
			if failing > k.spare {
				if !errors.Is(err, blocks.ErrUnavailable) {
					t.Errorf("%s: created while %d nodes fail: %v", k.name, failing, err)
				}
				continue
			}
			for _, n := range some {
				n.mode.Store(works)
			}
			got, read := s.Read(t.Context(), org, id)
			if err != nil || read != nil || string(got) != string(want) {
				t.Errorf("%s: %d nodes fail: create %v, read %v", k.name, failing, err, read)
			}
			if err := s.Create(t.Context(), org, id, blockstest.Content(id, 1, 1000)); !errors.Is(err, blocks.ErrExists) {
				t.Errorf("%s: overwritten: %v", k.name, err)
			}
		}
	}
}

// TestHangingNode: a node that does not answer delays a read and does not stop it.
func TestHangingNode(t *testing.T) {
	for _, k := range kinds[1:] {
		for hanging := range k.nodes {
			some, stores := nodes(k.nodes)
			s, err := k.build(stores, raid.Options{Log: quiet()})
			s, org, id := closed(t, s, err), blockstest.Org(t, "o"), trust.NewBlockID()
			if err := s.Create(t.Context(), org, id, []byte("content")); err != nil {
				t.Fatal(err)
			}
			some[hanging].mode.Store(hangs)
			if got, err := s.Read(t.Context(), org, id); err != nil || string(got) != "content" {
				t.Errorf("%s, node %d hangs: %q, %v", k.name, hanging, got, err)
			}
			if k.nodes > 3 && hanging == 1 {
				break // seven more would tell the same
			}
		}
	}
}

func TestDamagedPart(t *testing.T) {
	for _, damage := range []int{0, 1, 2} {
		some, stores := nodes(3)
		s, err := raid.NewParity(stores, raid.Options{Log: quiet()})
		set, org, id := closed(t, s, err), blockstest.Org(t, "o"), trust.NewBlockID()
		want := blockstest.Content(id, 0, 1001)
		if err := set.Create(t.Context(), org, id, want); err != nil {
			t.Fatal(err)
		}
		if err := some[damage].Delete(t.Context(), org, id); err != nil {
			t.Fatal(err)
		}
		if err := some[damage].Store.Create(t.Context(), org, id, []byte("short")); err != nil {
			t.Fatal(err)
		}
		if got, err := set.Read(t.Context(), org, id); err != nil || string(got) != string(want) {
			t.Errorf("part %d is cut off: %d bytes, %v", damage, len(got), err)
		}
		some[(damage+1)%3].mode.Store(fails)
		if got, err := set.Read(t.Context(), org, id); err == nil {
			t.Errorf("part %d is cut off and another node fails: read %d bytes", damage, len(got))
		}
	}
}

// TestRepair replaces a node by an empty one.
func TestRepair(t *testing.T) {
	for _, k := range kinds[1:3] {
		for replaced := range k.nodes {
			some, stores := nodes(k.nodes)
			s, err := k.build(stores, raid.Options{Log: quiet()})
			set, org := closed(t, s, err), blockstest.Org(t, "o")
			ids := make([]trust.BlockID, 20)
			for i := range ids {
				ids[i] = trust.NewBlockID()
				if err := set.Create(t.Context(), org, ids[i], blockstest.Content(ids[i], 0, 100)); err != nil {
					t.Fatal(err)
				}
			}
			before := some[replaced].Store
			some[replaced].Store = memory.New(1 << 20)
			half := trust.NewBlockID() // on one node only: never acknowledged
			if err := some[(replaced+1)%k.nodes].Create(t.Context(), org, half, []byte("half")); err != nil {
				t.Fatal(err)
			}
			redundant, ok := s.(*raid.Redundant)
			if !ok {
				t.Fatalf("%T", s)
			}
			want := raid.Repaired{Seen: 21, Restored: 21}
			if k.name == "RAID5" {
				want = raid.Repaired{Seen: 21, Restored: 20, Lost: 1}
			}
			if got, err := redundant.Repair(t.Context(), org); err != nil || got != want {
				t.Errorf("%s: %+v, %v, want %+v", k.name, got, err, want)
			}
			for _, id := range ids {
				old, err := before.Read(t.Context(), org, id)
				if err != nil {
					t.Fatal(err)
				}
				if now, err := some[replaced].Read(t.Context(), org, id); err != nil || string(now) != string(old) {
					t.Errorf("%s: node %d has %q, %v, and had %q", k.name, replaced, now, err, old)
				}
			}
		}
	}
}

// TestStripeFollowsTheOriginal: the id as a number, modulo the number of nodes.
func TestStripeFollowsTheOriginal(t *testing.T) {
	for text, want := range map[string]int{
		"00000000-0000-0000-0000-000000000005": 5 % 3,
		"3b917792-35ac-409f-9af1-fe6de8d2b905": 0, // python3: UUID(…).int % 3
		"ffffffff-ffff-ffff-ffff-ffffffffffff": 0,
		"ffffffff-ffff-ffff-ffff-fffffffffffe": 2,
	} {
		some, stores := nodes(3)
		s, err := raid.NewStripe(stores, quiet())
		set, org := closed(t, s, err), blockstest.Org(t, "o")
		id, ok := blocks.ParseName(text)
		if !ok {
			t.Fatal(text)
		}
		if err := set.Create(t.Context(), org, id, nil); err != nil {
			t.Fatal(err)
		}
		for i, n := range some {
			if _, err := n.Read(t.Context(), org, id); (err == nil) != (i == want) {
				t.Errorf("%s: node %d: %v, it belongs on %d", text, i, err, want)
			}
		}
	}
}

func TestNodesAreLoggedOnce(t *testing.T) {
	var text safeText
	some, stores := nodes(3)
	s, err := raid.NewParity(stores, raid.Options{Log: slog.New(slog.NewTextHandler(&text, nil))})
	set, org, id := closed(t, s, err), blockstest.Org(t, "o"), trust.NewBlockID()
	if err := set.Create(t.Context(), org, id, nil); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []int32{fails, works, fails} {
		some[1].mode.Store(mode)
		for range 5 {
			if _, err := set.Read(t.Context(), org, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := strings.Count(text.String(), "block store node fails"); n != 2 {
		t.Errorf("logged %d times that it fails:\n%s", n, text.String())
	}
	if n := strings.Count(text.String(), "works again"); n != 1 {
		t.Errorf("logged %d times that it works:\n%s", n, text.String())
	}
}

type safeText struct {
	mu sync.Mutex // guards the field below
	b  strings.Builder
}

func (s *safeText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestTooFewNodes(t *testing.T) {
	_, stores := nodes(2)
	if _, err := raid.NewParity(stores, raid.Options{Log: quiet()}); err == nil {
		t.Error("RAID5 of two nodes")
	}
	if _, err := raid.NewMirror(nil, raid.Options{Log: quiet()}); err == nil {
		t.Error("RAID1 of none")
	}
	if _, err := raid.NewStripe(nil, quiet()); err == nil {
		t.Error("RAID0 of none")
	}
}
