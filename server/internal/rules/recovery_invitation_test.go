package rules_test

import (
	"bytes"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// certify stores a certificate about a shared recovery for those who may see it.
func certify(t *testing.T, by *Device, at trust.DateTime, c trust.Certificate, viewers ...*Device) {
	t.Helper()
	org, ids := number(t, by.Org), []trust.UserID{by.User}
	for _, v := range viewers {
		ids = append(ids, v.User)
	}
	err := by.Org.Rules.Store.Write(t.Context(), []store.Lock{store.Shamir(org)}, func(tx *store.Tx) error {
		return tables.AddShamir(t.Context(), tx, org, tables.Certificate{SignedOn: at, Signed: by.Sign(c)}, ids...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// shareOut sets a recovery up in which others have a share each.
func shareOut(t *testing.T, by *Device, recipients ...*Device) *trust.ShamirRecoveryBriefCertificate {
	t.Helper()
	c := &trust.ShamirRecoveryBriefCertificate{
		Author: by.ID, Timestamp: by.Org.Clock.Tick(), UserID: by.User, Threshold: 1, PerRecipientShares: map[trust.UserID]uint8{},
	}
	for _, r := range recipients {
		c.PerRecipientShares[r.User] = 1
	}
	certify(t, by, c.Timestamp, c, recipients...)
	return c
}

func deleteShares(t *testing.T, by *Device, c *trust.ShamirRecoveryBriefCertificate, recipients ...*Device) {
	t.Helper()
	d := &trust.ShamirRecoveryDeletionCertificate{
		Author: by.ID, Timestamp: by.Org.Clock.Tick(), SetupToDeleteTimestamp: c.Timestamp, SetupToDeleteUserID: by.User, ShareRecipients: map[trust.UserID]struct{}{},
	}
	for id := range c.PerRecipientShares {
		d.ShareRecipients[id] = struct{}{}
	}
	certify(t, by, d.Timestamp, d, recipients...)
}

func inviteRecovery(t *testing.T, by, of *Device) trust.AccessToken {
	t.Helper()
	req := &cloud.InviteNewShamirRecoveryReq{ClaimerUserID: of.User}
	return Decode[cloud.InviteNewShamirRecoveryOK](t, by.Do(req), req.DecodeReply).Token
}

func TestInviteShamirRecovery(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob, carol, dave := o.First, o.Enrol("bob", trust.Standard), o.Enrol("carol", trust.Standard), o.Enrol("dave", trust.Standard)
		Want(t, carol.Do(&cloud.InviteNewShamirRecoveryReq{ClaimerUserID: trust.NewUserID()}), "user_not_found")
		Want(t, carol.Do(&cloud.InviteNewShamirRecoveryReq{ClaimerUserID: bob.User}), "author_not_allowed")
		shareOut(t, carol, bob) // of somebody else
		brief := shareOut(t, bob, carol, dave)
		Want(t, alice.Do(&cloud.InviteNewShamirRecoveryReq{ClaimerUserID: bob.User}), "author_not_allowed")
		heard := dave.Listen("")
		token := inviteRecovery(t, carol, bob)
		awaitInvitation(t, heard, token, cloud.InvitationIsPending)
		if again := inviteRecovery(t, dave, bob); !again.Equal(token) {
			t.Error("a recovery is invited to twice")
		}
		alice.Revoke(dave)
		info := Decode[cloud.InviteInfoShamirRecovery](t, o.Invited(token, &cloud.InviteInfoReq{}), (&cloud.InviteInfoReq{}).DecodeReply)
		r := info.Recipients
		if info.ClaimerUserID != bob.User || info.ShamirRecoveryCreatedOn != brief.Timestamp || info.Threshold != 1 || len(r) != 2 ||
			r[0].UserID != carol.User || r[0].Shares != 1 || r[0].RevokedOn != nil || r[1].UserID != dave.User || r[1].RevokedOn == nil {
			t.Errorf("%+v", info)
		}
		m := meet(t, carol, token)
		Want(t, m.greeterStep(greeterSteps[0]), "not_ready")
		Want(t, o.Invited(token, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: alice.User}), "greeter_not_allowed")
		Want(t, alice.Do(&cloud.InviteGreeterStartGreetingAttemptReq{Token: token}), "author_not_allowed")
		if len(invitations(t, alice)) != 0 || len(invitations(t, bob)) != 0 || recoveryStatus(t, carol) != cloud.InvitationIsPending {
			t.Error("others than those who have shares see the invitation, or they do not")
		}

		deleteShares(t, bob, brief, carol, dave)
		WantHTTP(t, o.Invited(token, &cloud.InviteInfoReq{}), cloud.StatusInvitationGone)
		Want(t, m.greeterStep(greeterSteps[0]), "invitation_cancelled")
		Want(t, carol.Do(&cloud.InviteGreeterStartGreetingAttemptReq{Token: token}), "invitation_cancelled")
		Want(t, carol.Do(&cloud.InviteCancelReq{Token: token}), "invitation_already_cancelled")
		Want(t, carol.Do(&cloud.InviteNewShamirRecoveryReq{ClaimerUserID: bob.User}), "author_not_allowed")
		if s := recoveryStatus(t, carol); s != cloud.InvitationIsCancelled {
			t.Errorf("an invitation whose set-up is gone is %s", s)
		}
		shareOut(t, bob, carol)
		next := inviteRecovery(t, carol, bob)
		if next.Equal(token) {
			t.Error("an invitation whose set-up is gone is given out again")
		}
		OK(t, bob.Do(&cloud.InviteCompleteReq{Token: next})) // the claimer, with a new device
	})
}

// recoveryStatus is that of the one recovery in a list.
func recoveryStatus(t *testing.T, of *Device) cloud.InvitationStatus {
	t.Helper()
	all := invitations(t, of)
	if len(all) != 1 {
		t.Fatalf("there are %d invitations", len(all))
	}
	i, ok := all[0].(*cloud.InviteListItemShamirRecovery)
	if !ok {
		t.Fatalf("%+v", all[0])
	}
	return i.Status
}

// TestInvitationsAtRest: a copy of the database lets nobody in.
func TestInvitationsAtRest(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		token := Must(inviteDevice(t, o.First).Export())
		org, rows := number(t, o), 0
		err := s.Rules.Store.Read(t.Context(), func(tx *store.Tx) error {
			all, err := tables.Invitations(t.Context(), tx, org, o.First.User, true)
			for _, i := range all {
				rows++
				if bytes.Contains(i.Digest, token) || bytes.Contains(i.Sealed, token) {
					t.Error("the token is in the database")
				}
			}
			return err
		})
		if err != nil || rows != 1 {
			t.Error(rows, err)
		}
	})
}
