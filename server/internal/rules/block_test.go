package rules_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/clean"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// fragile is a block store that can be out of order.
type fragile struct {
	*memory.Store
	broken bool
	late   bool // it fails after it has stored
}

func (f *fragile) Create(ctx context.Context, org trust.OrganizationID, id trust.BlockID, data []byte) error {
	if f.broken {
		return blocks.Unavailable(errors.New("out of order"))
	}
	if err := f.Store.Create(ctx, org, id, data); err != nil || !f.late {
		return err
	}
	return blocks.Unavailable(errors.New("out of order"))
}

func (f *fragile) Read(ctx context.Context, org trust.OrganizationID, id trust.BlockID) ([]byte, error) {
	if f.broken {
		return nil, blocks.Unavailable(errors.New("out of order"))
	}
	return f.Store.Read(ctx, org, id)
}

func TestBlocks(t *testing.T) {
	kept := &fragile{}
	open := func(context.Context, *pgxpool.Pool) (blocks.Store, error) {
		kept = &fragile{Store: memory.New(1 << 20)}
		return kept, nil
	}
	Each(t, Options{Blocks: open}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm, other := alice.CreateRealm(), alice.CreateRealm()
		create := func(id trust.BlockID, in trust.RealmID, index uint64, content string) *cloud.BlockCreateReq {
			return &cloud.BlockCreateReq{BlockID: id, RealmID: in, KeyIndex: index, Block: []byte(content)}
		}
		id := trust.NewBlockID()
		Want(t, alice.Do(create(id, trust.NewRealmID(), 0, "x")), "realm_not_found")
		Want(t, bob.Do(create(id, realm, 0, "x")), "author_not_allowed")
		Want(t, alice.Do(create(id, realm, 1, "x")), "bad_key_index")
		kept.broken = true
		Want(t, alice.Do(create(id, realm, 0, "content")), "store_unavailable")
		kept.broken = false
		read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
		Want(t, alice.Do(read), "block_not_found")
		// Whose realm it is was decided, and no more.
		Want(t, alice.Do(create(id, other, 0, "content")), "block_already_exists")
		OK(t, alice.Do(create(id, realm, 0, "content")))
		Want(t, alice.Do(create(id, realm, 0, "content")), "block_already_exists")
		Want(t, alice.Do(create(id, other, 0, "other")), "block_already_exists")
		rep := Decode[cloud.BlockReadOK](t, alice.Do(read), read.DecodeReply)
		if string(rep.Block) != "content" || rep.KeyIndex != 0 {
			t.Errorf("%+v", rep)
		}
		Want(t, bob.Do(read), "author_not_allowed")
		Want(t, bob.Do(&cloud.BlockReadReq{BlockID: trust.NewBlockID(), RealmID: realm}), "block_not_found")
		Want(t, alice.Do(&cloud.BlockReadReq{BlockID: id, RealmID: other}), "block_not_found")
		Want(t, alice.Do(&cloud.BlockReadReq{BlockID: id, RealmID: trust.NewRealmID()}), "realm_not_found")
		kept.broken = true
		Want(t, alice.Do(read), "store_unavailable")
		info := Decode[cloud.OrganizationInfoOK](t, bob.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
		if info.TotalBlockBytes != uint64(len("content")) {
			t.Errorf("%+v", info)
		}
	})
}

// TestBlockAfterCrash: a server that ended between content and row leaves nothing that a client could take for its success. The client
// encrypts anew for each attempt, so that the content differs.
func TestBlockAfterCrash(t *testing.T) {
	kept := blocks.Store(nil)
	open := func(context.Context, *pgxpool.Pool) (blocks.Store, error) {
		kept = memory.New(1 << 20)
		return kept, nil
	}
	Each(t, Options{Blocks: open}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		realm, id, org := o.First.CreateRealm(), trust.NewBlockID(), number(t, o)
		now := Must(trust.DateTimeOf(s.Clock.Now()))
		err := s.Rules.Store.Write(t.Context(), nil, func(tx *store.Tx) error {
			return tables.ReserveBlock(t.Context(), tx, org, tables.Block{ID: id, Realm: realm, Author: o.First.ID, Size: 5, CreatedOn: now})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := kept.Create(t.Context(), o.ID, id, []byte("first")); err != nil {
			t.Fatal(err)
		}
		read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
		again := &cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte("second one")}
		Want(t, o.First.Do(again), "store_unavailable") // the first attempt may be at work
		Want(t, o.First.Do(read), "block_not_found")
		s.Clock.Advance(5 * time.Minute)
		OK(t, o.First.Do(again))
		if rep := Decode[cloud.BlockReadOK](t, o.First.Do(read), read.DecodeReply); string(rep.Block) != "second one" {
			t.Errorf("%q", rep.Block)
		}
		Want(t, o.First.Do(again), "block_already_exists")
		info := Decode[cloud.OrganizationInfoOK](t, o.First.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
		if info.TotalBlockBytes != uint64(len("second one")) {
			t.Errorf("%+v", info)
		}
	})
}

// TestBlockThatFailed: content that is stored although the store failed is not in the way of the next attempt.
func TestBlockThatFailed(t *testing.T) {
	kept := &fragile{}
	open := func(context.Context, *pgxpool.Pool) (blocks.Store, error) {
		kept = &fragile{Store: memory.New(1 << 20), late: true}
		return kept, nil
	}
	Each(t, Options{Blocks: open}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		realm, id := o.First.CreateRealm(), trust.NewBlockID()
		create := func(content string) *Answer {
			return o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte(content)})
		}
		Want(t, create("first"), "store_unavailable")
		kept.late = false
		OK(t, create("second"))
		read := &cloud.BlockReadReq{BlockID: id, RealmID: realm}
		if rep := Decode[cloud.BlockReadOK](t, o.First.Do(read), read.DecodeReply); string(rep.Block) != "second" {
			t.Errorf("%q", rep.Block)
		}
	})
}

// TestCondemned: what a cleaner removes nobody can make, and what has a row nobody removes.
func TestCondemned(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		realm := o.First.CreateRealm()
		create := func(id trust.BlockID) *Answer {
			return o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: realm, Block: []byte("x")})
		}
		made, lost := trust.NewBlockID(), trust.NewBlockID()
		OK(t, create(made))
		rows := &rules.Rows{Service: s.Rules, Clock: s.Clock.Now}
		for i, want := range []int{1, 0, 1} {
			condemned, err := rows.Condemn(t.Context(), o.ID, []trust.BlockID{made, lost})
			if err != nil || len(condemned) != want || want == 1 && condemned[0] != lost {
				t.Errorf("round %d: %v, %v", i, condemned, err)
			}
			s.Clock.Advance(time.Duration(i) * clean.Hold)
		}
		Want(t, create(lost), "store_unavailable")
		if err := rows.Release(t.Context(), o.ID, []trust.BlockID{lost}); err != nil {
			t.Fatal(err)
		}
		OK(t, create(lost))
	})
}
