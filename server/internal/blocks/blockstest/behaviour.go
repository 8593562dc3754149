package blockstest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func testLifeCycle(t *testing.T, c Config) {
	s, org, id := open(t, c, c.Place(t)), Org(t, "CoolOrg"), trust.NewBlockID()
	if err := s.Health(t.Context()); err != nil {
		t.Errorf("a new store is not healthy: %v", err)
	}
	absent(t, s, org, id)
	remove(t, s, org, id)
	if got := ids(t, s, org); len(got) != 0 {
		t.Errorf("a new store lists %v", got)
	}
	one, two := Content(id, 1, 5000), Content(id, 2, 5000)
	create(t, s, org, id, one)
	holds(t, s, org, id, one)
	create(t, s, org, id, one)
	if got := ids(t, s, org); !slices.Equal(got, []trust.BlockID{id}) {
		t.Errorf("the store lists %v", got)
	}
	remove(t, s, org, id)
	remove(t, s, org, id)
	absent(t, s, org, id)
	create(t, s, org, id, two) // the name is free again
	holds(t, s, org, id, two)
}

func testSizes(t *testing.T, c Config) {
	s, org := open(t, c, c.Place(t)), Org(t, "o")
	for _, size := range []int{0, 1, 2, 3, 4, 40, 511, 4096, 65537, 512 << 10, 512<<10 + 40, blocks.MaxSize - 1, blocks.MaxSize} {
		id := trust.NewBlockID()
		want := Content(id, 0, size)
		create(t, s, org, id, want)
		holds(t, s, org, id, want)
		zeros := trust.NewBlockID()
		create(t, s, org, zeros, make([]byte, size))
		holds(t, s, org, zeros, make([]byte, size))
	}
	id := trust.NewBlockID()
	is(t, "create too large", s.Create(t.Context(), org, id, make([]byte, blocks.MaxSize+1)), blocks.ErrInvalid)
	absent(t, s, org, id)
}

// testOrganizations: the same ids in organisations whose names are easily confused.
func testOrganizations(t *testing.T, c Config) {
	s := open(t, c, c.Place(t))
	orgs := []trust.OrganizationID{}
	for _, name := range []string{"a", "A", "a-", "a-b", "ab", "_", "-", "é", "Ünï-cödé", "組織", "con", "nul", "00", strings.Repeat("x", 32)} {
		orgs = append(orgs, Org(t, name))
	}
	id := []trust.BlockID{{}, bytes16(0xff), trust.NewBlockID()}
	for i, org := range orgs {
		for _, b := range id {
			create(t, s, org, b, Content(b, byte(i), 100))
		}
	}
	for i, org := range orgs {
		if got := ids(t, s, org); len(got) != len(id) {
			t.Errorf("%s lists %v", org, got)
		}
		for _, b := range id {
			holds(t, s, org, b, Content(b, byte(i), 100))
			remove(t, s, org, b)
			absent(t, s, org, b)
		}
		if got := ids(t, s, org); len(got) != 0 {
			t.Errorf("%s lists %v after all is deleted", org, got)
		}
	}
}

func bytes16(b byte) trust.BlockID { return trust.BlockID(bytes.Repeat([]byte{b}, 16)) }

func testNeverOverwritten(t *testing.T, c Config) {
	s, org, id := open(t, c, c.Place(t)), Org(t, "o"), trust.NewBlockID()
	want := Content(id, 0, 9000)
	create(t, s, org, id, want)
	last := slices.Clone(want)
	last[len(last)-1]++
	for what, other := range map[string][]byte{
		"another": Content(id, 1, 9000), "shorter": want[:8999], "longer": append(slices.Clone(want), 0),
		"empty": {}, "other at the end": last,
	} {
		is(t, what, s.Create(t.Context(), org, id, other), blocks.ErrExists)
		holds(t, s, org, id, want)
	}
	create(t, s, org, id, want)
}

// testCopies: neither side keeps what the other may change.
func testCopies(t *testing.T, c Config) {
	s, org, id := open(t, c, c.Place(t)), Org(t, "o"), trust.NewBlockID()
	data := Content(id, 0, 100)
	create(t, s, org, id, data)
	clear(data)
	got, err := s.Read(t.Context(), org, id)
	if err != nil {
		t.Fatal(err)
	}
	clear(got)
	holds(t, s, org, id, Content(id, 0, 100))
	got, err = blocks.Append(t.Context(), s, []byte("before"), org, id)
	if err != nil || !bytes.Equal(got, append([]byte("before"), Content(id, 0, 100)...)) {
		t.Errorf("appended to others it has %d bytes, %v", len(got), err)
	}
}

func testInvalid(t *testing.T, c Config) {
	s, org, id, none := open(t, c, c.Place(t)), Org(t, "o"), trust.NewBlockID(), trust.OrganizationID{}
	is(t, "create", s.Create(t.Context(), none, id, nil), blocks.ErrInvalid)
	is(t, "delete", s.Delete(t.Context(), none, id), blocks.ErrInvalid)
	_, err := s.Read(t.Context(), none, id)
	is(t, "read", err, blocks.ErrInvalid)
	_, err = s.List(t.Context(), none, nil, 1)
	is(t, "list", err, blocks.ErrInvalid)
	for _, limit := range []int{-1, 0, blocks.MaxPage + 1} {
		_, err = s.List(t.Context(), org, nil, limit)
		is(t, "list of a strange limit", err, blocks.ErrInvalid)
	}
}

func testCancelled(t *testing.T, c Config) {
	s, org, id := open(t, c, c.Place(t)), Org(t, "o"), trust.NewBlockID()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range map[string]error{
		"create": s.Create(ctx, org, id, nil),
		"delete": s.Delete(ctx, org, id),
		"read":   second(s.Read(ctx, org, id)),
		"list":   second(s.List(ctx, org, nil, 1)),
	} {
		is(t, what, err, blocks.ErrUnavailable)
		is(t, what, err, context.Canceled)
	}
	absent(t, s, org, id)
}

func second[T any](_ T, err error) error { return err }

func testPages(t *testing.T, c Config) {
	s, org := open(t, c, c.Place(t)), Org(t, "o")
	want := []trust.BlockID{{}, bytes16(0xff)}
	for i := range 40 {
		id := trust.NewBlockID()
		if i%2 == 0 { // many that begin alike
			id[0] = 7
		}
		want = append(want, id)
	}
	before := time.Now()
	for _, id := range want {
		create(t, s, org, id, id[:])
	}
	slices.SortFunc(want, func(a, b trust.BlockID) int { return bytes.Compare(a[:], b[:]) })
	for _, limit := range []int{1, 7, len(want) - 1, len(want), len(want) + 1, blocks.MaxPage} {
		got := []trust.BlockID{}
		var after *trust.BlockID
		for {
			page, err := s.List(t.Context(), org, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				got = append(got, e.ID)
				if e.Modified.Before(before.Add(-time.Minute)) || e.Modified.After(time.Now().Add(time.Minute)) {
					t.Errorf("%s was stored at %v, not at %v", e.ID, e.Modified, before)
				}
			}
			if len(page) < limit {
				break
			}
			after = &page[len(page)-1].ID
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d have %d entries, want %d in order", limit, len(got), len(want))
		}
	}
	if got := ids(t, s, Org(t, "other")); len(got) != 0 {
		t.Errorf("another organisation lists %v", got)
	}
}

func testPersistence(t *testing.T, c Config) {
	place, org, id := c.Place(t), Org(t, "o"), trust.NewBlockID()
	s, err := c.Open(t, place)
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, org, id, Content(id, 0, 512<<10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, open(t, c, place), org, id, Content(id, 0, 512<<10))
}

// testTwoStores: two processes of a server use one place.
func testTwoStores(t *testing.T, c Config) {
	place, org, id := c.Place(t), Org(t, "o"), trust.NewBlockID()
	a, b := open(t, c, place), open(t, c, place)
	create(t, a, org, id, Content(id, 0, 5000))
	holds(t, b, org, id, Content(id, 0, 5000))
	is(t, "create in the other", b.Create(t.Context(), org, id, Content(id, 1, 5000)), blocks.ErrExists)
	remove(t, b, org, id)
	absent(t, a, org, id)
}
