package rules_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// aged is a block store in which everything is older than a day.
type aged struct{ *memory.Store }

func (a aged) List(ctx context.Context, org trust.OrganizationID, after *trust.BlockID, limit int) ([]blocks.Entry, error) {
	all, err := a.Store.List(ctx, org, after, limit)
	for i := range all {
		all[i].Modified = all[i].Modified.Add(-48 * time.Hour)
	}
	return all, err
}

func openAged(context.Context, *pgxpool.Pool) (blocks.Store, error) {
	return aged{memory.New(1 << 20)}, nil
}

// number returns what an organisation has in place of its name.
func number(t *testing.T, o *Organization) int64 {
	t.Helper()
	found, err := o.Rules.Locate(t.Context(), o.ID, false, trust.DateTime{})
	if err != nil || found == nil {
		t.Fatal(found, err)
	}
	return found.Num
}

func TestPurgeAndCollect(t *testing.T) {
	Each(t, Options{Blocks: openAged}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		org, realm, other := number(t, o), alice.CreateRealm(), alice.CreateRealm()
		collector := &rules.Collector{Service: s.Rules, Clock: s.Clock.Now}
		OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
		vlob := alice.VlobReq(realm, 1, "x")
		OK(t, alice.Do(vlob))
		store := func(in trust.RealmID, index uint64) trust.BlockID {
			id := trust.NewBlockID()
			OK(t, alice.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: in, KeyIndex: index, Block: []byte("content")}))
			return id
		}
		gone, kept, orphan := store(realm, 1), store(other, 0), trust.NewBlockID()
		if err := s.Rules.Blocks.Create(t.Context(), o.ID, orphan, []byte("orphan")); err != nil {
			t.Fatal(err)
		}
		purge := func(id trust.RealmID) error {
			return s.Rules.PurgeRealm(t.Context(), org, id, Must(trust.DateTimeOf(s.Clock.Now())))
		}
		if err := purge(trust.NewRealmID()); !errors.Is(err, rules.ErrNoRealm) {
			t.Error(err)
		}
		if err := purge(realm); !errors.Is(err, rules.ErrRealmUsed) {
			t.Error(err)
		}
		at := s.Clock.Tick()
		OK(t, alice.Do(&cloud.RealmUpdateArchivingReq{ArchivingCertificate: alice.Sign(&trust.RealmArchivingCertificate{
			Author: alice.ID, Timestamp: at, RealmID: realm,
			Configuration: trust.ArchivingConfiguration{State: trust.DeletionPlanned, DeletionDate: at.Add(30 * 24 * time.Hour)},
		})}))
		if err := purge(realm); !errors.Is(err, rules.ErrRealmUsed) {
			t.Error(err)
		}
		s.Clock.Advance(30 * 24 * time.Hour)
		for range 2 {
			if err := purge(realm); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Tick()
		deletedRealm(t, alice, bob, realm, vlob.VlobID, gone)
		if err := collector.Collect(t.Context()); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[trust.BlockID]error{gone: blocks.ErrNotFound, orphan: blocks.ErrNotFound, kept: nil} {
			if _, err := s.Rules.Blocks.Read(t.Context(), o.ID, id); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		OK(t, alice.Do(&cloud.BlockReadReq{BlockID: kept, RealmID: other}))
		info := Decode[cloud.OrganizationInfoOK](t, bob.Do(&cloud.OrganizationInfoReq{}), (&cloud.OrganizationInfoReq{}).DecodeReply)
		if info.TotalMetadataBytes != 0 || info.TotalBlockBytes != uint64(len("content")) {
			t.Errorf("%+v", info)
		}
	})
}

// deletedRealm wants every command about a realm to say that it was deleted.
func deletedRealm(t *testing.T, alice, bob *Device, realm trust.RealmID, vlob trust.VlobID, block trust.BlockID) {
	t.Helper()
	clock := alice.Org.Clock
	name := &trust.RealmNameCertificate{Author: alice.ID, Timestamp: clock.Tick(), RealmID: realm, KeyIndex: 1, EncryptedName: []byte("n")}
	archiving := &trust.RealmArchivingCertificate{
		Author: alice.ID, Timestamp: clock.Tick(), RealmID: realm, Configuration: trust.ArchivingConfiguration{State: trust.Available},
	}
	for _, req := range []cloud.Request{
		alice.VlobReq(realm, 1, "x"),
		&cloud.VlobUpdateReq{RealmID: realm, VlobID: vlob, KeyIndex: 1, Timestamp: clock.Tick(), Version: 2},
		&cloud.VlobReadBatchReq{RealmID: realm},
		&cloud.VlobReadVersionsReq{RealmID: realm},
		&cloud.VlobPollChangesReq{RealmID: realm},
		&cloud.BlockCreateReq{RealmID: realm, KeyIndex: 1, BlockID: trust.NewBlockID()},
		&cloud.BlockReadReq{RealmID: realm, BlockID: block},
		&cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: 1},
		alice.RotationReq(realm, 2, alice.User),
		share(alice, realm, bob.User, trust.Reader, 1),
		unshare(alice, realm, bob.User),
		&cloud.RealmRenameReq{RealmNameCertificate: alice.Sign(name)},
		&cloud.RealmUpdateArchivingReq{ArchivingCertificate: alice.Sign(archiving)},
		&cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: alice.RoleReq(realm, alice.User, trust.Owner)},
	} {
		if a := alice.Do(req); a.Reply != "realm_deleted" {
			t.Errorf("%s: %s (HTTP status %d)", req.Command(), a.Reply, a.Status)
		}
	}
	rep := Decode[cloud.CertificateGetOK](t, alice.Do(RealmsOf()), RealmsOf().DecodeReply)
	if n := len(rep.RealmCertificates[realm]); n != 3 {
		t.Errorf("%d certificates are left", n)
	}
}

// TestReservationsEnd: a block that nobody stored is given up after a day.
func TestReservationsEnd(t *testing.T) {
	kept := &fragile{Store: memory.New(1 << 20), broken: true}
	open := func(context.Context, *pgxpool.Pool) (blocks.Store, error) { return kept, nil }
	Each(t, Options{Blocks: open}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		first, second, id := o.First.CreateRealm(), o.First.CreateRealm(), trust.NewBlockID()
		create := func(in trust.RealmID) *Answer {
			return o.First.Do(&cloud.BlockCreateReq{BlockID: id, RealmID: in, Block: []byte("x")})
		}
		collector := &rules.Collector{Service: s.Rules, Clock: s.Clock.Now}
		Want(t, create(first), "store_unavailable")
		for _, want := range []string{"block_already_exists", "store_unavailable"} {
			if err := collector.Collect(t.Context()); err != nil {
				t.Fatal(err)
			}
			Want(t, create(second), want)
			s.Clock.Advance(25 * time.Hour)
		}
	})
}
