package rules_test

import (
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestBootstrap(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		req := o.BootstrapReq()
		bad := func(status string, change func(*cloud.OrganizationBootstrapReq)) {
			t.Helper()
			spoiled := *req
			change(&spoiled)
			Want(t, o.Anonymous(&spoiled), status)
		}
		token := trust.GenerateAccessToken()
		bad("invalid_bootstrap_token", func(r *cloud.OrganizationBootstrapReq) { r.BootstrapToken = &token })
		bad("invalid_certificate", func(r *cloud.OrganizationBootstrapReq) { r.RootVerifyKey[0] ^= 1 })
		bad("invalid_certificate", func(r *cloud.OrganizationBootstrapReq) { r.RedactedUserCertificate = r.UserCertificate })
		bad("invalid_certificate", func(r *cloud.OrganizationBootstrapReq) { r.RedactedDeviceCertificate = r.DeviceCertificate })
		bad("invalid_certificate", func(r *cloud.OrganizationBootstrapReq) { r.SequesterAuthorityCertificate = r.DeviceCertificate })
		bad("invalid_certificate", func(r *cloud.OrganizationBootstrapReq) {
			u := o.First.UserCertificate(nil, trust.Standard, o.Clock.Tick())
			d := o.First.DeviceCertificate(nil, u.Timestamp)
			r.UserCertificate, r.RedactedUserCertificate = o.SignRoot(u), o.SignRoot(u.Redacted())
			r.DeviceCertificate, r.RedactedDeviceCertificate = o.SignRoot(d), o.SignRoot(d.Redacted())
		})
		o.Clock.Advance(cloud.ClientLate)
		bad("timestamp_out_of_ballpark", func(*cloud.OrganizationBootstrapReq) {})
		o.Clock.Advance(-cloud.ClientLate)
		o.Sequestered(req)
		req.SequesterAuthorityCertificate = nil
		OK(t, o.Anonymous(req))
		Want(t, o.Anonymous(req), "organization_already_bootstrapped")
		bad("invalid_bootstrap_token", func(r *cloud.OrganizationBootstrapReq) { r.BootstrapToken = &token })
		OK(t, o.First.Do(&cloud.OrganizationInfoReq{}))
	})
}

func TestBootstrapByTokenWithSequester(t *testing.T) {
	withToken := func(c *rules.Config) { c.Server.OrganizationBootstrap = cloud.BootstrapWithBootstrapToken }
	Each(t, Options{Configure: withToken}, func(t *testing.T, s *Server) {
		o := s.Unborn()
		req := o.BootstrapReq()
		o.Sequestered(req)
		WantHTTP(t, o.Anonymous(req), cloud.StatusOrganizationNotFound)
		token := trust.GenerateAccessToken()
		for range 2 { // the second one replaces the first
			token = trust.GenerateAccessToken()
			if created, err := s.CreateOrganization(t.Context(), o.ID, token); !created || err != nil {
				t.Fatal(created, err)
			}
		}
		Want(t, o.Anonymous(req), "invalid_bootstrap_token")
		req.BootstrapToken = &token
		OK(t, o.Anonymous(req))
		Want(t, o.Anonymous(req), "organization_already_bootstrapped")
		if created, err := s.CreateOrganization(t.Context(), o.ID, token); created || err != nil {
			t.Fatal(created, err)
		}
		rep := Decode[cloud.CertificateGetOK](t, o.First.Do(RealmsOf()), RealmsOf().DecodeReply)
		if len(rep.SequesterCertificates) != 1 || len(rep.CommonCertificates) != 2 {
			t.Errorf("%d certificates of the sequester, %d common ones", len(rep.SequesterCertificates), len(rep.CommonCertificates))
		}
	})
}

func TestUserCreate(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		mallory := o.NewDevice("mallory")
		req := o.First.UserCreateReq(mallory, trust.Standard)
		early := o.First.UserCreateReq(mallory, trust.Standard)
		Want(t, bob.Do(bob.UserCreateReq(mallory, trust.Standard)), "author_not_allowed")
		Want(t, bob.Do(req), "author_not_allowed")
		Want(t, o.First.Do(bob.UserCreateReq(mallory, trust.Standard)), "invalid_certificate")
		again := o.NewDevice("bob")
		Want(t, o.First.Do(o.First.UserCreateReq(again, trust.Standard)), "human_handle_already_taken")
		again = o.NewDevice("other")
		again.User = bob.User
		Want(t, o.First.Do(o.First.UserCreateReq(again, trust.Standard)), "user_already_exists")
		again = o.NewDevice("other")
		again.ID = bob.ID
		Want(t, o.First.Do(o.First.UserCreateReq(again, trust.Standard)), "user_already_exists")
		swapped := *req
		swapped.RedactedDeviceCertificate, swapped.RedactedUserCertificate = req.RedactedUserCertificate, req.RedactedDeviceCertificate
		Want(t, o.First.Do(&swapped), "invalid_certificate")
		Want(t, o.First.Do(unsealable(o.First, o.NewDevice("weak"))), "invalid_certificate")
		OK(t, o.First.Do(early))
		late := o.First.UserCreateReq(o.NewDevice("late"), trust.Standard)
		OK(t, o.First.Do(o.First.UserCreateReq(o.NewDevice("carol"), trust.Outsider)))
		Want(t, o.First.Do(late), "require_greater_timestamp")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, o.First.Do(late), "timestamp_out_of_ballpark")
	})
}

// unsealable makes a user for whom nothing can be sealed.
func unsealable(by, d *Device) *cloud.UserCreateReq {
	at := by.Org.Clock.Tick()
	u, n := d.UserCertificate(by, trust.Standard, at), d.DeviceCertificate(by, at)
	u.PublicKey = trust.PublicKey{1}
	return &cloud.UserCreateReq{
		UserCertificate: by.Sign(u), DeviceCertificate: by.Sign(n), RedactedUserCertificate: by.Sign(u.Redacted()), RedactedDeviceCertificate: by.Sign(n.Redacted()),
	}
}

func TestActiveUsersLimit(t *testing.T) {
	two := uint64(2)
	Each(t, Options{Configure: func(c *rules.Config) { c.Initial.ActiveUsersLimit = &two }}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		Want(t, o.First.Do(o.First.UserCreateReq(o.NewDevice("carol"), trust.Standard)), "active_users_limit_reached")
		o.First.Revoke(bob)
		o.Enrol("bob", trust.Outsider)
	})
}

func TestDeviceCreate(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Outsider)
		OK(t, bob.AddDevice().Do(&cloud.OrganizationInfoReq{}))
		sibling := bob.Sibling()
		req, late := bob.DeviceCreateReq(sibling), bob.DeviceCreateReq(bob.Sibling())
		OK(t, bob.Do(bob.DeviceCreateReq(bob.Sibling())))
		Want(t, bob.Do(late), "require_greater_timestamp")
		Want(t, bob.Do(req), "require_greater_timestamp")
		again := bob.Sibling()
		again.ID = bob.ID
		Want(t, bob.Do(bob.DeviceCreateReq(again)), "device_already_exists")
		Want(t, bob.Do(bob.DeviceCreateReq(o.NewDevice("x"))), "invalid_certificate")
		Want(t, o.First.Do(req), "invalid_certificate")
		full := bob.DeviceCreateReq(bob.Sibling())
		full.RedactedDeviceCertificate = full.DeviceCertificate
		Want(t, bob.Do(full), "invalid_certificate")
		o.Clock.Advance(-cloud.ClientEarly - time.Minute)
		Want(t, bob.Do(late), "timestamp_out_of_ballpark")
	})
}

func TestUserRevoke(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob, carol := o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Admin)
		revocation := func(by *Device, user trust.UserID) *cloud.UserRevokeReq {
			c := &trust.RevokedUserCertificate{Author: by.ID, Timestamp: o.Clock.Tick(), UserID: user}
			return &cloud.UserRevokeReq{RevokedUserCertificate: by.Sign(c)}
		}
		Want(t, bob.Do(revocation(bob, carol.User)), "author_not_allowed")
		Want(t, carol.Do(revocation(carol, carol.User)), "invalid_certificate")
		Want(t, carol.Do(revocation(bob, bob.User)), "invalid_certificate")
		Want(t, bob.Do(&cloud.UserRevokeReq{RevokedUserCertificate: []byte("nothing")}), "author_not_allowed")
		Want(t, carol.Do(revocation(carol, trust.NewUserID())), "user_not_found")
		early := revocation(carol, bob.User)
		realm := bob.CreateRealm()
		Want(t, carol.Do(early), "require_greater_timestamp")
		early = revocation(carol, bob.User)
		OK(t, bob.Do(bob.VlobReq(realm, 0, "x")))
		Want(t, carol.Do(early), "require_greater_timestamp")
		OK(t, carol.Do(revocation(carol, bob.User)))
		Want(t, carol.Do(revocation(carol, bob.User)), "user_already_revoked")
		WantHTTP(t, bob.Do(RealmsOf()), cloud.StatusUserRevoked)
		Want(t, carol.Do(&cloud.UserUpdateReq{UserUpdateCertificate: carol.Sign(&trust.UserUpdateCertificate{
			Author: carol.ID, Timestamp: o.Clock.Tick(), UserID: bob.User, NewProfile: trust.Admin,
		})}), "user_revoked")
		o.Clock.Advance(cloud.ClientLate)
		Want(t, carol.Do(early), "timestamp_out_of_ballpark")
	})
}

func TestUserUpdate(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob := o.Enrol("bob", trust.Standard)
		update := func(by *Device, user trust.UserID, p trust.Profile) *cloud.UserUpdateReq {
			c := &trust.UserUpdateCertificate{Author: by.ID, Timestamp: o.Clock.Tick(), UserID: user, NewProfile: p}
			return &cloud.UserUpdateReq{UserUpdateCertificate: by.Sign(c)}
		}
		Want(t, bob.Do(update(bob, o.First.User, trust.Standard)), "author_not_allowed")
		Want(t, o.First.Do(update(o.First, o.First.User, trust.Standard)), "invalid_certificate")
		Want(t, bob.Do(&cloud.UserUpdateReq{UserUpdateCertificate: []byte("nothing")}), "author_not_allowed")
		Want(t, o.First.Do(update(o.First, trust.NewUserID(), trust.Standard)), "user_not_found")
		Want(t, o.First.Do(update(o.First, bob.User, trust.Standard)), "user_no_changes")
		late := update(o.First, bob.User, trust.Outsider)
		OK(t, o.First.Do(update(o.First, bob.User, trust.Admin)))
		Want(t, o.First.Do(late), "require_greater_timestamp")
		OK(t, bob.Do(&cloud.ListFrozenUsersReq{}))
		OK(t, o.First.Do(update(o.First, bob.User, trust.Outsider)))
		Want(t, bob.Do(&cloud.ListFrozenUsersReq{}), "author_not_allowed")
		rep := Decode[cloud.CertificateGetOK](t, bob.Do(RealmsOf()), RealmsOf().DecodeReply)
		c, err := trust.VerifyCertificate(rep.CommonCertificates[2], trust.Author{Device: &o.First.ID, Key: Must(o.First.Signing.VerifyKey())})
		if u, ok := c.(*trust.UserCertificate); err != nil || !ok || u.UserID != bob.User || u.HumanHandle != nil {
			t.Errorf("an outsider gets %+v, %v", c, err)
		}
		o.Clock.Advance(cloud.ClientLate)
		Want(t, o.First.Do(late), "timestamp_out_of_ballpark")
	})
}
