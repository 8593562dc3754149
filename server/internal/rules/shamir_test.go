package rules_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// recovery is a shared recovery before it is signed: tests spoil it.
type recovery struct {
	brief  *trust.ShamirRecoveryBriefCertificate
	shares []*trust.ShamirRecoveryShareCertificate
}

// recoveryOf shares among users, dated now.
func recoveryOf(d *Device, recipients ...trust.UserID) *recovery {
	at := d.Org.Clock.Tick()
	r := &recovery{brief: &trust.ShamirRecoveryBriefCertificate{
		Author: d.ID, Timestamp: at, UserID: d.User, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{},
	}}
	for _, u := range recipients {
		r.brief.PerRecipientShares[u] = 2
		r.shares = append(r.shares, &trust.ShamirRecoveryShareCertificate{
			Author: d.ID, Timestamp: at, UserID: d.User, Recipient: u, CipheredShare: []byte("for " + u.String()),
		})
	}
	return r
}

func (r *recovery) sign(d *Device) *cloud.ShamirRecoverySetupReq {
	req := &cloud.ShamirRecoverySetupReq{
		CipheredData: []byte("data"), RevealToken: trust.GenerateAccessToken(), ShamirRecoveryBriefCertificate: d.Sign(r.brief),
		ShamirRecoveryShareCertificates: [][]byte{},
	}
	for _, s := range r.shares {
		req.ShamirRecoveryShareCertificates = append(req.ShamirRecoveryShareCertificates, d.Sign(s))
	}
	return req
}

// deletion ends the recovery, dated now.
func (r *recovery) deletion(d *Device) *trust.ShamirRecoveryDeletionCertificate {
	c := &trust.ShamirRecoveryDeletionCertificate{
		Author: d.ID, Timestamp: d.Org.Clock.Tick(), SetupToDeleteTimestamp: r.brief.Timestamp, SetupToDeleteUserID: r.brief.UserID,
		ShareRecipients: map[trust.UserID]struct{}{},
	}
	for u := range r.brief.PerRecipientShares {
		c.ShareRecipients[u] = struct{}{}
	}
	return c
}

func deleteReq(d *Device, c *trust.ShamirRecoveryDeletionCertificate) *cloud.ShamirRecoveryDeleteReq {
	return &cloud.ShamirRecoveryDeleteReq{ShamirRecoveryDeletionCertificate: d.Sign(c)}
}

// shamirOf is what a device may see of shared recoveries.
func shamirOf(t *testing.T, d *Device) [][]byte {
	t.Helper()
	return Decode[cloud.CertificateGetOK](t, d.Do(RealmsOf()), RealmsOf().DecodeReply).ShamirRecoveryCertificates
}

func TestShamirRecoverySetup(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice := o.First
		bob, carol, gone := o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Outsider), o.Enrol("gone", trust.Standard)
		alice.Revoke(gone)
		bad := func(status string, change func(*recovery)) {
			t.Helper()
			r := recoveryOf(alice, bob.User, carol.User)
			change(r)
			Want(t, alice.Do(r.sign(alice)), status)
		}
		bad("invalid_certificate_brief_corrupted", func(r *recovery) { r.brief.Author = bob.ID })
		bad("invalid_certificate_user_id_must_be_self", func(r *recovery) { r.brief.UserID = trust.NewUserID() })
		bad("invalid_certificate_missing_share_for_recipient", func(r *recovery) { r.shares = r.shares[:1] })
		bad("invalid_certificate_missing_share_for_recipient", func(r *recovery) { r.shares = append(r.shares, r.shares[0]) })
		bad("invalid_certificate_share_corrupted", func(r *recovery) { r.shares[1].Author = bob.ID })
		bad("invalid_certificate_user_id_must_be_self", func(r *recovery) { r.shares[1].UserID = bob.User })
		bad("invalid_certificate_share_inconsistent_timestamp", func(r *recovery) { r.shares[1].Timestamp = o.Clock.Tick() })
		bad("invalid_certificate_share_recipient_not_in_brief", func(r *recovery) { r.shares[1].Recipient = trust.NewUserID() })
		bad("invalid_certificate_duplicate_share_for_recipient", func(r *recovery) { r.shares[1].Recipient = bob.User })
		late := recoveryOf(alice, bob.User)
		Want(t, alice.Do(recoveryOf(alice, bob.User, alice.User).sign(alice)), "invalid_certificate_author_included_as_recipient")
		Want(t, alice.Do(recoveryOf(alice, bob.User, trust.NewUserID()).sign(alice)), "recipient_not_found")
		Want(t, alice.Do(recoveryOf(alice, bob.User, gone.User).sign(alice)), "revoked_recipient")
		o.Enrol("dave", trust.Standard)
		Want(t, alice.Do(late.sign(alice)), "require_greater_timestamp") // than the topic of users
		if seen := shamirOf(t, bob); len(seen) != 0 {
			t.Fatalf("refused recoveries left %d certificates", len(seen))
		}

		late = recoveryOf(carol, bob.User)
		r := recoveryOf(alice, bob.User, carol.User)
		req := r.sign(alice)
		OK(t, alice.Do(req))
		Want(t, carol.Do(late.sign(carol)), "require_greater_timestamp") // than the topic of recoveries
		again := recoveryOf(alice, bob.User).sign(alice)
		if got := Decode[cloud.ShamirRecoveryAlreadyExists](t, alice.Do(again), again.DecodeReply); got.LastShamirCertificateTimestamp != r.brief.Timestamp {
			t.Errorf("%+v", got)
		}
		brief, shares := req.ShamirRecoveryBriefCertificate, req.ShamirRecoveryShareCertificates
		for d, want := range map[*Device][][]byte{alice: {brief}, bob: {brief, shares[0]}, carol: {brief, shares[1]}} {
			if got := shamirOf(t, d); !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%s sees %d certificates, not the %d that are for it", d.Handle.Label, len(got), len(want))
			}
		}
		s.Clock.Advance(cloud.ClientLate)
		Want(t, alice.Do(again), "timestamp_out_of_ballpark")
	})
}

func TestShamirRecoveryDelete(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob, carol := o.First, o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Standard)
		r := recoveryOf(bob, alice.User)
		early := deleteReq(bob, r.deletion(bob))
		r.brief.Timestamp = o.Clock.Tick()
		r.shares[0].Timestamp = r.brief.Timestamp
		OK(t, bob.Do(r.sign(bob)))

		Want(t, bob.Do(&cloud.ShamirRecoveryDeleteReq{ShamirRecoveryDeletionCertificate: []byte("x")}), "invalid_certificate_corrupted")
		Want(t, bob.Do(deleteReq(alice, r.deletion(alice))), "invalid_certificate_corrupted")
		Want(t, alice.Do(deleteReq(alice, r.deletion(alice))), "invalid_certificate_user_id_must_be_self")
		Want(t, bob.Do(early), "require_greater_timestamp")
		other := r.deletion(bob)
		other.SetupToDeleteTimestamp = other.Timestamp
		Want(t, bob.Do(deleteReq(bob, other)), "shamir_recovery_not_found")
		for _, change := range []func(map[trust.UserID]struct{}){
			func(m map[trust.UserID]struct{}) { m[carol.User] = struct{}{} },
			func(m map[trust.UserID]struct{}) { delete(m, alice.User) },
			func(m map[trust.UserID]struct{}) { delete(m, alice.User); m[carol.User] = struct{}{} },
		} {
			other = r.deletion(bob)
			change(other.ShareRecipients)
			Want(t, bob.Do(deleteReq(bob, other)), "recipients_mismatch")
		}
		deletion := r.deletion(bob)
		req := deleteReq(bob, deletion)
		OK(t, bob.Do(req))
		Want(t, bob.Do(req), "require_greater_timestamp")
		again := deleteReq(bob, r.deletion(bob))
		if got := Decode[cloud.ShamirRecoveryAlreadyDeleted](t, bob.Do(again), again.DecodeReply); got.LastShamirCertificateTimestamp != deletion.Timestamp {
			t.Errorf("%+v", got)
		}
		for d, want := range map[*Device]int{alice: 3, bob: 2, carol: 0} {
			got := shamirOf(t, d)
			if len(got) != want || want > 0 && !bytes.Equal(got[want-1], req.ShamirRecoveryDeletionCertificate) {
				t.Errorf("%s sees %d certificates, want %d with the deletion as the last", d.Handle.Label, len(got), want)
			}
		}
		OK(t, bob.Do(recoveryOf(bob, carol.User).sign(bob)))
		s.Clock.Advance(cloud.ClientLate)
		Want(t, bob.Do(again), "timestamp_out_of_ballpark")
		alice.Revoke(bob)
		WantHTTP(t, bob.Do(again), cloud.StatusUserRevoked)
	})
}

func TestShamirRecoveryReveal(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		r := recoveryOf(bob, alice.User)
		setup := r.sign(bob)
		OK(t, bob.Do(setup))
		token := inviteRecovery(t, alice, bob)
		reveal := &cloud.InviteShamirRecoveryRevealReq{RevealToken: trust.GenerateAccessToken()}
		Want(t, o.Invited(inviteDevice(t, bob), reveal), "bad_invitation_type")
		Want(t, o.Invited(token, reveal), "bad_reveal_token")
		reveal.RevealToken = setup.RevealToken
		if got := Decode[cloud.InviteShamirRecoveryRevealOK](t, o.Invited(token, reveal), reveal.DecodeReply); !bytes.Equal(got.CipheredData, setup.CipheredData) {
			t.Errorf("%q is revealed", got.CipheredData)
		}
		OK(t, bob.Do(deleteReq(bob, r.deletion(bob))))
		WantHTTP(t, o.Invited(token, reveal), cloud.StatusInvitationGone)
		next := recoveryOf(bob, alice.User).sign(bob)
		OK(t, bob.Do(next))
		token = inviteRecovery(t, alice, bob)
		Want(t, o.Invited(token, reveal), "bad_reveal_token")
		reveal.RevealToken = next.RevealToken
		OK(t, o.Invited(token, reveal))

		org, secret := number(t, o), Must(next.RevealToken.Export())
		err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
			at := Must(trust.DateTimeOf(s.Clock.Now()))
			digest, data, err := tables.RecoveryData(t.Context(), tx, org, bob.User, at)
			if bytes.Contains(digest, secret) || len(digest) == 0 || !bytes.Equal(data, next.CipheredData) {
				t.Error("the token lies open, or there is no recovery")
			}
			left := int64(-1)
			_, gone := tx.Get(t.Context(), store.SQL(`SELECT count(*) FROM shamir_recovery WHERE org = $1 AND deleted_on IS NOT NULL AND data IS NOT NULL`, org), &left)
			if left != 0 {
				t.Errorf("the data of %d deleted recoveries is there", left)
			}
			return errors.Join(err, gone)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestRevokeAfterRecovery: who a shared recovery names is revoked later than it, whatever the moment of the other topics.
func TestRevokeAfterRecovery(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		bob, carol, dave := o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Standard), o.Enrol("dave", trust.Standard)
		early := o.Clock.Tick()
		revoke := func(d *Device, at trust.DateTime) *cloud.UserRevokeReq {
			return &cloud.UserRevokeReq{RevokedUserCertificate: o.First.Sign(&trust.RevokedUserCertificate{Author: o.First.ID, Timestamp: at, UserID: d.User})}
		}
		r := recoveryOf(bob, carol.User)
		OK(t, bob.Do(r.sign(bob)))
		for _, named := range []*Device{bob, carol} {
			for _, at := range []trust.DateTime{early, r.brief.Timestamp} {
				req := revoke(named, at)
				if got := Decode[cloud.RequireGreaterTimestamp](t, o.First.Do(req), req.DecodeReply); got.StrictlyGreaterThan != r.brief.Timestamp {
					t.Errorf("%s at %s: %+v", named.Handle.Label, at, got)
				}
			}
		}
		OK(t, o.First.Do(revoke(dave, early)))
		OK(t, o.First.Do(revoke(carol, o.Clock.Tick())))
	})
}
