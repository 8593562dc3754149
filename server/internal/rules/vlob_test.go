package rules_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestVlobVersions(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm := alice.CreateRealm()
		first, second := alice.VlobReq(realm, 0, "first"), alice.VlobReq(realm, 0, "second")
		OK(t, alice.Do(first))
		OK(t, alice.Do(second))
		update := func(in trust.RealmID, id trust.VlobID, index uint64, version uint32) *cloud.VlobUpdateReq {
			return &cloud.VlobUpdateReq{RealmID: in, VlobID: id, KeyIndex: index, Timestamp: o.Clock.Tick(), Version: version, Blob: []byte("new")}
		}
		Want(t, bob.Do(update(realm, first.VlobID, 0, 2)), "author_not_allowed")
		Want(t, alice.Do(update(trust.NewRealmID(), first.VlobID, 0, 2)), "realm_not_found")
		Want(t, alice.Do(update(realm, first.VlobID, 1, 2)), "bad_key_index")
		Want(t, alice.Do(update(realm, trust.NewVlobID(), 0, 2)), "vlob_not_found")
		for _, v := range []uint32{0, 1, 3} {
			Want(t, alice.Do(update(realm, first.VlobID, 0, v)), "bad_vlob_version")
		}
		late := update(realm, first.VlobID, 0, 2)
		o.Enrol("carol", trust.Standard)
		Want(t, alice.Do(late), "require_greater_timestamp")
		OK(t, alice.Do(update(realm, first.VlobID, 0, 2)))
		read := &cloud.VlobReadVersionsReq{RealmID: realm, Items: []cloud.VlobVersion{{VlobID: first.VlobID, Version: 2}, {VlobID: first.VlobID, Version: 1}, {VlobID: second.VlobID, Version: 2}}}
		rep := Decode[cloud.VlobReadVersionsOK](t, alice.Do(read), read.DecodeReply)
		if len(rep.Items) != 2 || string(rep.Items[0].Blob) != "new" || string(rep.Items[1].Blob) != "first" {
			t.Errorf("%+v", rep.Items)
		}
		Want(t, bob.Do(read), "author_not_allowed")
		read.Items = make([]cloud.VlobVersion, 1001)
		Want(t, alice.Do(read), "too_many_elements")
		for checkpoint, want := range []int{2, 2, 1, 0} {
			poll := &cloud.VlobPollChangesReq{RealmID: realm, LastCheckpoint: uint64(checkpoint)}
			rep := Decode[cloud.VlobPollChangesOK](t, alice.Do(poll), poll.DecodeReply)
			if len(rep.Changes) != want || rep.CurrentCheckpoint != 3 {
				t.Errorf("after %d: %+v", checkpoint, rep)
			}
		}
		Want(t, alice.Do(&cloud.VlobPollChangesReq{RealmID: trust.NewRealmID()}), "realm_not_found")
		Want(t, alice.Do(&cloud.VlobReadVersionsReq{RealmID: trust.NewRealmID(), Items: []cloud.VlobVersion{}}), "realm_not_found")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(late), "timestamp_out_of_ballpark")
	})
}

// TestManyVlobs: however many are asked for, those are read, in that order, by who may.
func TestManyVlobs(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm, ids := alice.CreateRealm(), []trust.VlobID{}
		for i := range 20 {
			req := alice.VlobReq(realm, 0, strconv.Itoa(i))
			OK(t, alice.Do(req))
			ids = append(ids, req.VlobID)
		}
		slices.Reverse(ids)
		for _, n := range []int{0, 1, 15, 16, 17, 20} {
			read := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: ids[:n]}
			Want(t, bob.Do(read), "author_not_allowed")
			rep := Decode[cloud.VlobReadBatchOK](t, alice.Do(read), read.DecodeReply)
			if len(rep.Items) != n {
				t.Fatalf("%d of %d", len(rep.Items), n)
			}
			for i, v := range rep.Items {
				if v.VlobID != ids[i] || string(v.Blob) != strconv.Itoa(19-i) {
					t.Errorf("of %d, %d is %q", n, i, v.Blob)
				}
			}
		}
	})
}

func TestTermsOfService(t *testing.T) {
	terms := func(c *rules.Config) {
		c.Initial.TOS = &tables.TOS{URLs: map[string]string{"en": "https://example.com/terms"}}
	}
	Each(t, Options{Configure: terms}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		WantHTTP(t, o.First.Do(&cloud.OrganizationInfoReq{}), cloud.StatusMustAcceptTOS)
		tos := func(req cloud.Request) *Answer { return s.Send(o.Prepare(cloud.TOS, req, o.First.Token())) }
		rep := Decode[cloud.TOSGetOK](t, tos(&cloud.TOSGetReq{}), (&cloud.TOSGetReq{}).DecodeReply)
		if rep.PerLocaleURLs["en"] != "https://example.com/terms" {
			t.Errorf("%+v", rep)
		}
		Want(t, tos(&cloud.TOSAcceptReq{TOSUpdatedOn: o.Clock.Tick()}), "tos_mismatch")
		OK(t, tos(&cloud.TOSAcceptReq{TOSUpdatedOn: rep.UpdatedOn}))
		OK(t, o.First.Do(&cloud.OrganizationInfoReq{}))
	})
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		Want(t, s.Send(o.Prepare(cloud.TOS, &cloud.TOSGetReq{}, o.First.Token())), "no_tos")
		Want(t, s.Send(o.Prepare(cloud.TOS, &cloud.TOSAcceptReq{}, o.First.Token())), "no_tos")
	})
}
