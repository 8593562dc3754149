package rules_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/postgres"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// withRows is a server whose blocks are rows of its database.
func withRows(t *testing.T) (*Server, blocks.Store) {
	t.Helper()
	var kept blocks.Store
	s := New(t, Options{Store: pgtest.Database(t), Blocks: func(ctx context.Context, pool *pgxpool.Pool) (_ blocks.Store, err error) {
		kept, err = postgres.New(ctx, pool)
		return kept, err
	}})
	return s, kept
}

// keeps compares what the store has under an id, nil for nothing.
func keeps(t *testing.T, kept blocks.Store, o *Organization, id trust.BlockID, want []byte) {
	t.Helper()
	got, err := kept.Read(t.Context(), o.ID, id)
	if want == nil && err == nil || want != nil && !bytes.Equal(got, want) {
		t.Errorf("%d bytes are stored, %d should be: %v", len(got), len(want), err)
	}
}

// TestBlocksInRows: a block is there with its row, or not at all.
func TestBlocksInRows(t *testing.T) {
	s, kept := withRows(t)
	o := s.Bootstrapped()
	alice, bob := o.First, o.Enrol("bob", trust.Standard)
	realm, other := alice.CreateRealm(), alice.CreateRealm()
	id := trust.NewBlockID()
	content := blockstest.Content(id, 0, 300<<10)
	create := func(in trust.RealmID, index uint64, content []byte) *cloud.BlockCreateReq {
		return &cloud.BlockCreateReq{BlockID: id, RealmID: in, KeyIndex: index, Block: content}
	}
	read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
	Want(t, alice.Do(create(trust.NewRealmID(), 0, content)), "realm_not_found")
	Want(t, bob.Do(create(realm, 0, content)), "author_not_allowed")
	Want(t, alice.Do(create(realm, 1, content)), "bad_key_index")
	Want(t, alice.Do(read), "block_not_found")
	keeps(t, kept, o, id, nil)
	OK(t, alice.Do(create(realm, 0, content)))
	for _, in := range []trust.RealmID{realm, other} {
		Want(t, alice.Do(create(in, 0, []byte("another"))), "block_already_exists")
	}
	keeps(t, kept, o, id, content)
	if rep := Decode[cloud.BlockReadOK](t, alice.Do(read), read.DecodeReply); !bytes.Equal(rep.Block, content) {
		t.Errorf("%d bytes", len(rep.Block))
	}
	Want(t, bob.Do(read), "author_not_allowed")
	info := Decode[cloud.OrganizationInfoOK](t, alice.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
	if info.TotalBlockBytes != uint64(len(content)) {
		t.Errorf("%+v", info)
	}
	if err := kept.Delete(t.Context(), o.ID, id); err != nil {
		t.Fatal(err)
	}
	Want(t, alice.Do(read), "store_unavailable")
	// What nobody was told of gives way.
	id = trust.NewBlockID()
	if err := kept.Create(t.Context(), o.ID, id, []byte("of nobody")); err != nil {
		t.Fatal(err)
	}
	Want(t, bob.Do(create(realm, 0, content)), "author_not_allowed")
	keeps(t, kept, o, id, []byte("of nobody"))
	OK(t, alice.Do(create(realm, 0, []byte{})))
	keeps(t, kept, o, id, []byte{})
}

// TestRowsAndReservations: what another block store, or a cleaner, has under way is respected.
func TestRowsAndReservations(t *testing.T) {
	s, kept := withRows(t)
	o := s.Bootstrapped()
	realm, id, lost := o.First.CreateRealm(), trust.NewBlockID(), trust.NewBlockID()
	err := s.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error {
		return tables.ReserveBlock(t.Context(), tx, number(t, o), tables.Block{
			ID: id, Realm: realm, Author: o.First.ID, Size: 5, CreatedOn: Must(trust.DateTimeOf(s.Clock.Now())),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	create := func(id trust.BlockID) *Answer {
		return o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte("content")})
	}
	Want(t, create(id), "store_unavailable")
	keeps(t, kept, o, id, nil)
	s.Clock.Advance(5 * time.Minute)
	OK(t, create(id))
	Want(t, create(id), "block_already_exists")
	rows := &rules.Rows{Service: s.Rules, Clock: s.Clock.Now}
	if condemned, err := rows.Condemn(t.Context(), o.ID, []trust.BlockID{id, lost}); err != nil || len(condemned) != 1 {
		t.Fatal(condemned, err)
	}
	Want(t, create(lost), "store_unavailable")
	keeps(t, kept, o, lost, nil)
	if err := rows.Release(t.Context(), o.ID, []trust.BlockID{lost}); err != nil {
		t.Fatal(err)
	}
	OK(t, create(lost))
	info := Decode[cloud.OrganizationInfoOK](t, o.First.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
	if info.TotalBlockBytes != uint64(2*len("content")) {
		t.Errorf("%+v", info)
	}
}

// filled are rows for which there is no room.
type filled struct{ blocks.Rows }

func (filled) Put(context.Context, *store.Tx, trust.OrganizationID, trust.BlockID, []byte) error {
	return fmt.Errorf("%w: it is a test", store.ErrFull)
}

// TestNoRoomForRows: where the database has no room the client tries again later, and what is there is read.
func TestNoRoomForRows(t *testing.T) {
	s, kept := withRows(t)
	o := s.Bootstrapped()
	realm, id := o.First.CreateRealm(), trust.NewBlockID()
	create := func(id trust.BlockID) *Answer {
		return o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte("content")})
	}
	OK(t, create(id))
	rows, ok := kept.(blocks.Rows)
	if !ok {
		t.Fatalf("%T has no rows", kept)
	}
	s.Rules.Blocks = filled{rows}
	late := trust.NewBlockID()
	Want(t, create(late), "store_unavailable")
	OK(t, o.First.Do(&cloud.BlockReadReq{BlockID: id, RealmID: realm}))
	Want(t, o.First.Do(&cloud.BlockReadReq{BlockID: late, RealmID: realm}), "block_not_found")
	s.Rules.Blocks = kept
	keeps(t, kept, o, late, nil)
	OK(t, create(late))
}

// TestRowsCompete: of many who make one block at a time one does, and it is that one's content.
func TestRowsCompete(t *testing.T) {
	s, kept := withRows(t)
	o := s.Bootstrapped()
	realms := []trust.RealmID{o.First.CreateRealm(), o.First.CreateRealm()}
	for range 10 {
		id, made := trust.NewBlockID(), make([]bool, 8)
		content := func(i int) []byte { return fmt.Appendf(nil, "%d %s", i, id) }
		group := sync.WaitGroup{}
		for i := range made {
			group.Go(func() {
				a, err := o.First.Try(&cloud.BlockCreateReq{BlockID: id, RealmID: realms[i%len(realms)], Block: content(i)})
				switch {
				case err != nil:
					t.Error(err)
				case a.Reply == "ok":
					made[i] = true
				case a.Reply != "block_already_exists":
					t.Errorf("%d %s", a.Status, a.Reply)
				}
			})
		}
		group.Wait()
		winners := 0
		for i, ok := range made {
			if ok {
				winners++
				keeps(t, kept, o, id, content(i))
			}
		}
		if winners != 1 {
			t.Errorf("%d made it", winners)
		}
	}
}
