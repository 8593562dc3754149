package rules_test

import (
	"context"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func inviteUser(t *testing.T, by *Device, email string) trust.AccessToken {
	t.Helper()
	req := &cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress(email))}
	rep := Decode[cloud.InviteNewUserOK](t, by.Do(req), req.DecodeReply)
	if rep.EmailSent != cloud.EmailSentSuccess {
		t.Errorf("a mail that nobody asked for is %s", rep.EmailSent)
	}
	return rep.Token
}

func inviteDevice(t *testing.T, by *Device) trust.AccessToken {
	t.Helper()
	req := &cloud.InviteNewDeviceReq{}
	return Decode[cloud.InviteNewDeviceOK](t, by.Do(req), req.DecodeReply).Token
}

func invitations(t *testing.T, of *Device) []cloud.InviteListItem {
	t.Helper()
	req := &cloud.InviteListReq{}
	return Decode[cloud.InviteListOK](t, of.Do(req), req.DecodeReply).Invitations
}

// awaitInvitation wants the next event to be about an invitation.
func awaitInvitation(t *testing.T, s *Stream, token trust.AccessToken, status cloud.InvitationStatus) {
	t.Helper()
	if e := Await[*cloud.EventInvitation](s); !e.Token.Equal(token) || e.InvitationStatus != status {
		t.Errorf("the event says %s, want %s", e.InvitationStatus, status)
	}
}

func TestInviteUser(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		admin := o.Enrol("adam", trust.Admin)
		heard := admin.Listen("")
		zoe := Must(trust.NewEmailAddress("zoe@example.com"))
		Want(t, bob.Do(&cloud.InviteNewUserReq{ClaimerEmail: zoe}), "author_not_allowed")
		Want(t, alice.Do(&cloud.InviteNewUserReq{ClaimerEmail: bob.Handle.Email}), "claimer_email_already_enrolled")
		token := inviteUser(t, alice, "zoe@example.com")
		awaitInvitation(t, heard, token, cloud.InvitationIsPending)
		if again := inviteUser(t, admin, "zoe@example.com"); !again.Equal(token) {
			t.Error("who is invited already is invited once more")
		}
		awaitInvitation(t, heard, token, cloud.InvitationIsPending)
		info := Decode[cloud.InviteInfoUser](t, o.Invited(token, &cloud.InviteInfoReq{}), (&cloud.InviteInfoReq{}).DecodeReply)
		by, ok := info.CreatedBy.(*cloud.CreatedByUser)
		if !ok || by.UserID != alice.User || by.HumanHandle != alice.Handle || info.ClaimerEmail != zoe {
			t.Errorf("%+v", info)
		}
		if a := info.Administrators; len(a) != 2 || a[0].UserID != admin.User || a[1].UserID != alice.User || a[0].LastGreetingAttemptJoinedOn != nil {
			t.Errorf("the administrators are %+v", a)
		}
		if own := invitations(t, bob); len(own) != 0 {
			t.Errorf("who is no administrator sees %+v", own)
		}
		all := invitations(t, admin)
		if i, ok := all[0].(*cloud.InviteListItemUser); !ok || len(all) != 1 || !i.Token.Equal(token) || i.Status != cloud.InvitationIsPending || i.ClaimerEmail != zoe {
			t.Errorf("%+v", all)
		}
		OK(t, o.Invited(token, &cloud.PingReq{Ping: "x"}))
		alice.Revoke(bob)
		inviteUser(t, alice, bob.Handle.Email.String())
	})
}

func TestInviteCancelAndComplete(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Standard)
		heard := alice.Listen("")
		token, info := inviteUser(t, alice, "zoe@example.com"), &cloud.InviteInfoReq{}
		awaitInvitation(t, heard, token, cloud.InvitationIsPending)
		Want(t, alice.Do(&cloud.InviteCancelReq{Token: trust.GenerateAccessToken()}), "invitation_not_found")
		Want(t, alice.Do(&cloud.InviteCompleteReq{Token: trust.GenerateAccessToken()}), "invitation_not_found")
		Want(t, bob.Do(&cloud.InviteCancelReq{Token: token}), "author_not_allowed")
		Want(t, bob.Do(&cloud.InviteCompleteReq{Token: token}), "author_not_allowed")
		OK(t, o.Invited(token, info))
		OK(t, alice.Do(&cloud.InviteCancelReq{Token: token}))
		awaitInvitation(t, heard, token, cloud.InvitationIsCancelled)
		WantHTTP(t, o.Invited(token, info), cloud.StatusInvitationGone)
		Want(t, bob.Do(&cloud.InviteCancelReq{Token: token}), "invitation_already_cancelled")
		Want(t, alice.Do(&cloud.InviteCompleteReq{Token: token}), "invitation_cancelled")

		next := inviteUser(t, alice, "zoe@example.com")
		if next.Equal(token) {
			t.Error("a cancelled invitation is given out again")
		}
		awaitInvitation(t, heard, next, cloud.InvitationIsPending)
		zoe := o.Enrol("zoe", trust.Outsider)
		OK(t, zoe.Do(&cloud.InviteCompleteReq{Token: next})) // the claimer may
		awaitInvitation(t, heard, next, cloud.InvitationIsFinished)
		Want(t, alice.Do(&cloud.InviteCompleteReq{Token: next}), "invitation_already_completed")
		Want(t, bob.Do(&cloud.InviteCancelReq{Token: next}), "invitation_completed")
		WantHTTP(t, o.Invited(next, info), cloud.StatusInvitationGone)
		states := []cloud.InvitationStatus{}
		for _, i := range invitations(t, alice) {
			if u, ok := i.(*cloud.InviteListItemUser); ok {
				states = append(states, u.Status)
			}
		}
		if len(states) != 2 || states[0] != cloud.InvitationIsCancelled || states[1] != cloud.InvitationIsFinished {
			t.Errorf("the states are %v", states)
		}
	})
}

func TestInviteDevice(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob := o.First, o.Enrol("bob", trust.Outsider)
		heard := bob.Listen("")
		token := inviteDevice(t, bob)
		awaitInvitation(t, heard, token, cloud.InvitationIsPending)
		if again := inviteDevice(t, bob.AddDevice()); !again.Equal(token) {
			t.Error("a user who invited already invites once more")
		}
		if other := inviteDevice(t, alice); other.Equal(token) {
			t.Error("two users invite with one token")
		}
		info := Decode[cloud.InviteInfoDevice](t, o.Invited(token, &cloud.InviteInfoReq{}), (&cloud.InviteInfoReq{}).DecodeReply)
		if info.ClaimerUserID != bob.User || info.ClaimerHumanHandle != bob.Handle {
			t.Errorf("%+v", info)
		}
		all := invitations(t, bob)
		if i, ok := all[0].(*cloud.InviteListItemDevice); !ok || len(all) != 1 || !i.Token.Equal(token) {
			t.Errorf("%+v", all)
		}
		Want(t, alice.Do(&cloud.InviteCancelReq{Token: token}), "author_not_allowed")
		OK(t, bob.Do(&cloud.InviteCancelReq{Token: token}))
	})
}

// TestInvitedIsRefused: what is wrong with a bearer of a token, in the order of 1.4.
func TestInvitedIsRefused(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o, other := s.Bootstrapped(), s.Bootstrapped()
		token, info := inviteDevice(t, o.First), &cloud.InviteInfoReq{}
		WantHTTP(t, s.Unborn().Invited(token, info), cloud.StatusOrganizationNotFound)
		WantHTTP(t, other.Invited(token, info), cloud.StatusBadAuthorization)
		WantHTTP(t, o.Invited(trust.GenerateAccessToken(), info), cloud.StatusBadAuthorization)
		WantHTTP(t, s.Send(o.Prepare(cloud.Invited, info, "Bearer 0123")), cloud.StatusNoAuthorization)
		WantHTTP(t, s.Send(o.Prepare(cloud.Invited, info, "")), cloud.StatusNoAuthorization)
		bad := o.Prepare(cloud.Invited, info, Must(cloud.NewInvitationToken(token)))
		bad.Body = []byte{0xc1}
		WantHTTP(t, s.Send(bad), cloud.StatusBadContent)
		WantHTTP(t, o.Invited(token, &cloud.InviteListReq{}), cloud.StatusBadContent)
		OK(t, o.Invited(token, info))
		OK(t, o.First.Do(&cloud.InviteCompleteReq{Token: token}))
		WantHTTP(t, o.Invited(token, info), cloud.StatusInvitationGone)
	})
}

// post is a mailer that remembers, and answers what it is told to.
type post struct {
	answer cloud.EmailSentStatus
	sent   []rules.InvitationMail
	let    []rules.EnrollmentMail
}

func (p *post) SendInvitation(_ context.Context, m rules.InvitationMail) cloud.EmailSentStatus {
	p.sent = append(p.sent, m)
	return p.answer
}

func (p *post) SendEnrollmentAccepted(_ context.Context, m rules.EnrollmentMail) cloud.EmailSentStatus {
	p.let = append(p.let, m)
	return p.answer
}

func (p *post) SendTOTPReset(context.Context, rules.TOTPResetMail) cloud.EmailSentStatus {
	return p.answer
}

func TestInvitationMails(t *testing.T) {
	office := &post{answer: cloud.EmailSentRecipientRefused}
	Each(t, Options{Mail: office}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		office.sent = nil
		user := &cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress("zoe@example.com")), SendEmail: true}
		rep := Decode[cloud.InviteNewUserOK](t, o.First.Do(user), user.DecodeReply)
		if rep.EmailSent != cloud.EmailSentRecipientRefused {
			t.Errorf("the client is told %s", rep.EmailSent)
		}
		device := &cloud.InviteNewDeviceReq{SendEmail: true}
		own := Decode[cloud.InviteNewDeviceOK](t, o.First.Do(device), device.DecodeReply)
		OK(t, o.First.Do(&cloud.InviteNewDeviceReq{}))
		if len(office.sent) != 2 {
			t.Fatalf("%d mails were sent", len(office.sent))
		}
		one, two := office.sent[0], office.sent[1]
		if one.To != user.ClaimerEmail || !one.Token.Equal(rep.Token) || one.Greeter == nil || *one.Greeter != o.First.Handle || one.Type != cloud.InvitationForUser {
			t.Errorf("%+v", one)
		}
		if two.To != o.First.Handle.Email || !two.Token.Equal(own.Token) || two.Greeter != nil || two.Organization != o.ID || two.Type != cloud.InvitationForDevice {
			t.Errorf("%+v", two)
		}
	})
	o := New(t, Options{}).Bootstrapped()
	req := &cloud.InviteNewDeviceReq{SendEmail: true}
	if rep := Decode[cloud.InviteNewDeviceOK](t, o.First.Do(req), req.DecodeReply); rep.EmailSent != cloud.EmailSentServerUnavailable {
		t.Errorf("without a way to send mails the client is told %s", rep.EmailSent)
	}
}
