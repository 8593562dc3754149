package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestRealmCreate(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Outsider)
		realm := trust.NewRealmID()
		create := func(by *Device, user trust.UserID, role trust.Role) *cloud.RealmCreateReq {
			return &cloud.RealmCreateReq{RealmRoleCertificate: by.RoleReq(realm, user, role)}
		}
		Want(t, bob.Do(create(bob, bob.User, trust.Owner)), "author_not_allowed")
		Want(t, o.First.Do(create(o.First, bob.User, trust.Owner)), "invalid_certificate")
		Want(t, o.First.Do(create(o.First, o.First.User, trust.Manager)), "invalid_certificate")
		Want(t, o.First.Do(create(bob, bob.User, trust.Owner)), "invalid_certificate")
		late := create(o.First, o.First.User, trust.Owner)
		o.Enrol("carol", trust.Standard)
		Want(t, o.First.Do(late), "require_greater_timestamp")
		OK(t, o.First.Do(create(o.First, o.First.User, trust.Owner)))
		Want(t, o.First.Do(create(o.First, o.First.User, trust.Owner)), "realm_already_exists")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, o.First.Do(late), "timestamp_out_of_ballpark")
	})
}

func TestVlobs(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		realm := o.First.CreateRealm()
		req := o.First.VlobReq(realm, 0, "content")
		Want(t, o.First.Do(o.First.VlobReq(trust.NewRealmID(), 0, "x")), "realm_not_found")
		Want(t, bob.Do(bob.VlobReq(realm, 0, "x")), "author_not_allowed")
		Want(t, o.First.Do(o.First.VlobReq(realm, 1, "x")), "bad_key_index")
		OK(t, o.First.Do(req))
		Want(t, o.First.Do(req), "vlob_already_exists")
		OK(t, o.First.Do(o.First.VlobReq(realm, 0, strings.Repeat("y", 4096))))
		late := o.First.VlobReq(realm, 0, "x")
		o.Enrol("carol", trust.Standard)
		Want(t, o.First.Do(late), "require_greater_timestamp")
		ask := &cloud.VlobReadBatchReq{RealmID: realm, Vlobs: []trust.VlobID{trust.NewVlobID(), req.VlobID}}
		rep := Decode[cloud.VlobReadBatchOK](t, o.First.Do(ask), ask.DecodeReply)
		if len(rep.Items) != 1 || string(rep.Items[0].Blob) != "content" || rep.Items[0].Author != o.First.ID || rep.Items[0].CreatedOn != req.Timestamp {
			t.Errorf("%+v", rep)
		}
		before := req.Timestamp.Add(-time.Microsecond)
		ask.At = &before
		if rep := Decode[cloud.VlobReadBatchOK](t, o.First.Do(ask), ask.DecodeReply); len(rep.Items) != 0 {
			t.Errorf("%+v", rep)
		}
		Want(t, bob.Do(ask), "author_not_allowed")
		ask.RealmID = trust.NewRealmID()
		Want(t, bob.Do(ask), "realm_not_found")
		ask.Vlobs = make([]trust.VlobID, 1001)
		Want(t, bob.Do(ask), "too_many_elements")
		info := Decode[cloud.OrganizationInfoOK](t, bob.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
		if info.TotalMetadataBytes != 4096+7 {
			t.Errorf("%+v", info)
		}
		o.Clock.Advance(cloud.ClientLate)
		Want(t, o.First.Do(late), "timestamp_out_of_ballpark")
	})
}

func TestEvents(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		other := o.First.AddDevice()
		own, sibling, stranger := o.First.Listen(""), other.Listen(""), bob.Listen("")
		realm := o.First.CreateRealm()
		for _, l := range []*Stream{own, sibling} {
			if e := Await[*cloud.EventRealmCertificate](l); e.RealmID != realm {
				t.Fatalf("%+v", e)
			}
		}
		req := o.First.VlobReq(realm, 0, strings.Repeat("z", 4095))
		OK(t, o.First.Do(req))
		e := Await[*cloud.EventVlob](sibling)
		if e.VlobID != req.VlobID || string(e.Blob) != string(req.Blob) || e.Version != 1 {
			t.Fatalf("%+v", e)
		}
		OK(t, o.First.Do(&cloud.PingReq{Ping: "hello"}))
		for _, l := range []*Stream{own, sibling, stranger} {
			if e := Await[*cloud.EventPinged](l); e.Ping != "hello" {
				t.Fatalf("%+v", e)
			}
		}
		o.First.Revoke(bob)
		stranger.Ended()
		frame := own.Frame()
		_, id, _ := strings.Cut(strings.TrimSpace(frame), "\nid:")
		OK(t, o.First.Do(&cloud.PingReq{Ping: "again"}))
		for range 2 {
			if e, ok := other.Listen(id).Event().(*cloud.EventPinged); !ok || e.Ping != "again" {
				t.Fatalf("%+v", e)
			}
		}
		if f := other.Listen(strings.Repeat("00", 16)).Frame(); f != "event:missed_events\ndata:\n" {
			t.Errorf("%q", f)
		}
		s.Hang()
		own.Ended()
		r := o.First.ListenRequest("")
		WantHTTP(t, s.Send(r), cloud.StatusStopping)
	})
}
