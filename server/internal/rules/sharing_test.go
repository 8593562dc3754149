package rules_test

import (
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// share is what gives a user a role with the key of an index.
func share(by *Device, realm trust.RealmID, to trust.UserID, r trust.Role, index uint64) *cloud.RealmShareReq {
	return &cloud.RealmShareReq{RealmRoleCertificate: by.RoleReq(realm, to, r), RecipientKeysBundleAccess: []byte("shared"), KeyIndex: index}
}

func unshare(by *Device, realm trust.RealmID, from trust.UserID) *cloud.RealmUnshareReq {
	return &cloud.RealmUnshareReq{RealmRoleCertificate: by.RoleReq(realm, from, trust.NoRole)}
}

func TestSharing(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob, carol, zack := o.First, o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Outsider), o.Enrol("zack", trust.Standard)
		realm := alice.CreateRealm()
		Want(t, alice.Do(share(alice, realm, bob.User, trust.Reader, 0)), "bad_key_index")
		OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
		Want(t, alice.Do(share(alice, realm, bob.User, trust.Reader, 0)), "bad_key_index")
		Want(t, alice.Do(share(alice, realm, bob.User, trust.Reader, 2)), "bad_key_index")
		Want(t, alice.Do(share(alice, realm, alice.User, trust.Reader, 1)), "invalid_certificate")
		Want(t, alice.Do(share(alice, realm, bob.User, trust.NoRole, 1)), "invalid_certificate")
		Want(t, alice.Do(share(alice, realm, trust.NewUserID(), trust.Reader, 1)), "recipient_not_found")
		Want(t, alice.Do(share(alice, trust.NewRealmID(), bob.User, trust.Reader, 1)), "realm_not_found")
		Want(t, bob.Do(share(bob, realm, carol.User, trust.Reader, 1)), "author_not_allowed")
		Want(t, alice.Do(share(alice, realm, carol.User, trust.Manager, 1)), "role_incompatible_with_outsider")
		late := share(alice, realm, bob.User, trust.Manager, 1)
		OK(t, alice.Do(alice.VlobReq(realm, 1, "x")))
		Want(t, alice.Do(late), "require_greater_timestamp")
		OK(t, alice.Do(share(alice, realm, bob.User, trust.Manager, 1)))
		Want(t, alice.Do(share(alice, realm, bob.User, trust.Manager, 1)), "role_already_granted")
		OK(t, bob.Do(share(bob, realm, carol.User, trust.Reader, 1)))
		Want(t, bob.Do(share(bob, realm, zack.User, trust.Manager, 1)), "author_not_allowed")
		Want(t, bob.Do(share(bob, realm, alice.User, trust.Reader, 1)), "author_not_allowed")
		Want(t, carol.Do(carol.VlobReq(realm, 1, "x")), "author_not_allowed")
		get := &cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: 1}
		if rep := Decode[cloud.RealmGetKeysBundleOK](t, carol.Do(get), get.DecodeReply); string(rep.KeysBundleAccess) != "shared" || string(rep.KeysBundle) != "bundle" {
			t.Errorf("%q %q", rep.KeysBundleAccess, rep.KeysBundle)
		}
		Want(t, zack.Do(get), "author_not_allowed")
		alice.Revoke(zack)
		Want(t, alice.Do(share(alice, realm, zack.User, trust.Reader, 1)), "recipient_revoked")
		Want(t, alice.Do(unshare(alice, realm, zack.User)), "recipient_already_unshared")
		Want(t, alice.Do(unshare(alice, realm, alice.User)), "invalid_certificate")
		Want(t, alice.Do(unshare(alice, realm, trust.NewUserID())), "recipient_not_found")
		Want(t, bob.Do(unshare(bob, realm, alice.User)), "author_not_allowed")
		Want(t, alice.Do(unshare(alice, trust.NewRealmID(), bob.User)), "realm_not_found")
		before, lateEnd := carol.Listen(""), unshare(bob, realm, carol.User)
		OK(t, alice.Do(alice.VlobReq(realm, 1, "x")))
		Want(t, bob.Do(lateEnd), "require_greater_timestamp")
		OK(t, bob.Do(unshare(bob, realm, carol.User)))
		if e := Await[*cloud.EventRealmCertificate](before); e.RealmID != realm {
			t.Errorf("%+v", e)
		}
		Want(t, carol.Do(&cloud.VlobPollChangesReq{RealmID: realm}), "author_not_allowed")
		OK(t, alice.Do(alice.RotationReq(realm, 2, alice.User, bob.User)))
		rep := Decode[cloud.CertificateGetOK](t, carol.Do(RealmsOf()), RealmsOf().DecodeReply)
		if n := len(rep.RealmCertificates[realm]); n != 5 {
			t.Errorf("a former member gets %d certificates", n)
		}
		all := Decode[cloud.CertificateGetOK](t, bob.Do(RealmsOf()), RealmsOf().DecodeReply)
		if n := len(all.RealmCertificates[realm]); n != 6 {
			t.Errorf("a member gets %d certificates", n)
		}
		o.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(late), "timestamp_out_of_ballpark")
		Want(t, bob.Do(lateEnd), "timestamp_out_of_ballpark")
	})
}

func TestRotation(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm := alice.CreateRealm()
		Want(t, bob.Do(bob.RotationReq(realm, 1, bob.User)), "author_not_allowed")
		Want(t, alice.Do(bob.RotationReq(realm, 1, bob.User)), "invalid_certificate")
		Want(t, alice.Do(alice.RotationReq(trust.NewRealmID(), 1, alice.User)), "realm_not_found")
		Want(t, alice.Do(alice.RotationReq(realm, 2, alice.User)), "bad_key_index")
		Want(t, alice.Do(alice.RotationReq(realm, 1)), "participant_mismatch")
		Want(t, alice.Do(alice.RotationReq(realm, 1, bob.User)), "participant_mismatch")
		Want(t, alice.Do(alice.RotationReq(realm, 1, bob.User, alice.User)), "participant_mismatch")
		sequester := alice.RotationReq(realm, 1, alice.User)
		sequester.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{}
		Want(t, alice.Do(sequester), "organization_not_sequestered")
		late := alice.RotationReq(realm, 1, alice.User)
		o.Enrol("carol", trust.Standard)
		Want(t, alice.Do(late), "require_greater_timestamp")
		OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
		OK(t, alice.Do(share(alice, realm, bob.User, trust.Reader, 1)))
		alice.Revoke(bob)
		Want(t, alice.Do(alice.RotationReq(realm, 2, alice.User)), "participant_mismatch")
		OK(t, alice.Do(alice.RotationReq(realm, 2, alice.User, bob.User)))
		for index, want := range []string{"bad_key_index", "ok", "ok", "bad_key_index"} {
			Want(t, alice.Do(&cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: uint64(index)}), want)
		}
		carol := o.Enrol("cleo", trust.Standard)
		OK(t, alice.Do(share(alice, realm, carol.User, trust.Reader, 2)))
		Want(t, carol.Do(&cloud.RealmGetKeysBundleReq{RealmID: realm, KeyIndex: 1}), "access_not_available_for_author")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(late), "timestamp_out_of_ballpark")
	})
}

func TestSequesteredRotation(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		req := o.BootstrapReq()
		o.Sequestered(req)
		OK(t, o.Anonymous(req))
		realm := o.First.CreateRealm()
		rotation := o.First.RotationReq(realm, 1, o.First.User)
		Want(t, o.First.Do(rotation), "sequester_service_mismatch")
		rotation.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{{1}: {1}}
		Want(t, o.First.Do(rotation), "sequester_service_mismatch")
		rotation.PerSequesterServiceKeysBundleAccess = map[trust.SequesterServiceID][]byte{}
		OK(t, o.First.Do(rotation))
	})
}

func TestRenameAndArchive(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		realm := alice.CreateRealm()
		rename := func(by *Device, in trust.RealmID, index uint64, initial bool) *cloud.RealmRenameReq {
			c := &trust.RealmNameCertificate{Author: by.ID, Timestamp: o.Clock.Tick(), RealmID: in, KeyIndex: index, EncryptedName: []byte("n")}
			return &cloud.RealmRenameReq{RealmNameCertificate: by.Sign(c), InitialNameOrFail: initial}
		}
		archive := func(by *Device, in trust.RealmID, state trust.ArchivingState, days int) *cloud.RealmUpdateArchivingReq {
			at := o.Clock.Tick()
			c := trust.ArchivingConfiguration{State: state, DeletionDate: at.Add(time.Duration(days) * 24 * time.Hour)}
			return &cloud.RealmUpdateArchivingReq{ArchivingCertificate: by.Sign(&trust.RealmArchivingCertificate{
				Author: by.ID, Timestamp: at, RealmID: in, Configuration: c,
			})}
		}
		OK(t, alice.Do(alice.RotationReq(realm, 1, alice.User)))
		Want(t, bob.Do(rename(bob, realm, 1, false)), "author_not_allowed")
		Want(t, alice.Do(rename(bob, realm, 1, false)), "invalid_certificate")
		Want(t, alice.Do(rename(alice, trust.NewRealmID(), 1, false)), "realm_not_found")
		Want(t, alice.Do(rename(alice, realm, 0, false)), "bad_key_index")
		OK(t, alice.Do(rename(alice, realm, 1, true)))
		Want(t, alice.Do(rename(alice, realm, 1, true)), "initial_name_already_exists")
		OK(t, alice.Do(rename(alice, realm, 1, false)))
		late, lateName := archive(alice, realm, trust.Archived, 0), rename(alice, realm, 1, false)
		Want(t, bob.Do(archive(bob, realm, trust.Archived, 0)), "author_not_allowed")
		Want(t, alice.Do(archive(bob, realm, trust.Archived, 0)), "invalid_certificate")
		Want(t, alice.Do(archive(alice, trust.NewRealmID(), trust.Archived, 0)), "realm_not_found")
		Want(t, alice.Do(archive(alice, realm, trust.DeletionPlanned, 29)), "archiving_period_too_short")
		vlob := alice.VlobReq(realm, 1, "x")
		OK(t, alice.Do(vlob))
		OK(t, alice.Do(archive(alice, realm, trust.DeletionPlanned, 30)))
		Want(t, alice.Do(alice.VlobReq(realm, 1, "x")), "realm_archived")
		Want(t, alice.Do(&cloud.VlobUpdateReq{RealmID: realm, VlobID: vlob.VlobID, KeyIndex: 1, Timestamp: o.Clock.Tick(), Version: 2, Blob: []byte("y")}), "realm_archived")
		Want(t, alice.Do(&cloud.BlockCreateReq{BlockID: trust.NewBlockID(), RealmID: realm, KeyIndex: 1, Block: []byte("y")}), "realm_archived")
		OK(t, alice.Do(archive(alice, realm, trust.Archived, 0)))
		Want(t, alice.Do(alice.VlobReq(realm, 1, "x")), "realm_archived")
		OK(t, alice.Do(archive(alice, realm, trust.Available, 0)))
		OK(t, alice.Do(alice.VlobReq(realm, 1, "x")))
		Want(t, alice.Do(late), "require_greater_timestamp")
		Want(t, alice.Do(lateName), "require_greater_timestamp")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(late), "timestamp_out_of_ballpark")
		Want(t, alice.Do(lateName), "timestamp_out_of_ballpark")
	})
}

func TestSelfPromotion(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob, carol, zack := o.First, o.Enrol("bob", trust.Admin), o.Enrol("carol", trust.Standard), o.Enrol("zack", trust.Outsider)
		realm := bob.CreateRealm()
		OK(t, bob.Do(bob.RotationReq(realm, 1, bob.User)))
		OK(t, bob.Do(share(bob, realm, alice.User, trust.Manager, 1)))
		OK(t, bob.Do(share(bob, realm, zack.User, trust.Reader, 1)))
		OK(t, bob.Do(share(bob, realm, carol.User, trust.Reader, 1)))
		promote := func(by *Device, in trust.RealmID) *cloud.RealmSelfPromoteToOwnerReq {
			return &cloud.RealmSelfPromoteToOwnerReq{RealmRoleCertificate: by.RoleReq(in, by.User, trust.Owner)}
		}
		Want(t, alice.Do(promote(alice, realm)), "active_owner_already_exists")
		late := promote(alice, realm)
		alice.Revoke(bob)
		Want(t, alice.Do(late), "require_greater_timestamp")
		Want(t, zack.Do(promote(zack, realm)), "author_is_outsider")
		Want(t, carol.Do(promote(carol, realm)), "author_not_allowed")
		Want(t, alice.Do(promote(alice, trust.NewRealmID())), "realm_not_found")
		Want(t, alice.Do(promote(carol, realm)), "invalid_certificate")
		OK(t, alice.Do(promote(alice, realm)))
		Want(t, alice.Do(promote(alice, realm)), "active_owner_already_exists")
		OK(t, alice.Do(alice.RotationReq(realm, 2, alice.User, bob.User, carol.User, zack.User)))
		o.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(late), "timestamp_out_of_ballpark")
	})
}
