package rules_test

import (
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// meeting is a claimer and a greeter in one attempt.
type meeting struct {
	t       *testing.T
	greeter *Device
	token   trust.AccessToken
	attempt trust.GreetingAttemptID
}

func greet(t *testing.T, by *Device, token trust.AccessToken) trust.GreetingAttemptID {
	t.Helper()
	req := &cloud.InviteGreeterStartGreetingAttemptReq{Token: token}
	return Decode[cloud.InviteGreeterStartGreetingAttemptOK](t, by.Do(req), req.DecodeReply).GreetingAttempt
}

func claim(t *testing.T, of *Device, token trust.AccessToken) trust.GreetingAttemptID {
	t.Helper()
	req := &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: of.User}
	return Decode[cloud.InviteClaimerStartGreetingAttemptOK](t, of.Org.Invited(token, req), req.DecodeReply).GreetingAttempt
}

// meet brings both sides into one attempt.
func meet(t *testing.T, greeter *Device, token trust.AccessToken) *meeting {
	t.Helper()
	m := &meeting{t, greeter, token, greet(t, greeter, token)}
	if claimers := claim(t, greeter, token); claimers != m.attempt {
		t.Fatal("the sides are in two attempts")
	}
	return m
}

func (m *meeting) greeterStep(s cloud.GreeterStep) *Answer {
	return m.greeter.Do(&cloud.InviteGreeterStepReq{GreetingAttempt: m.attempt, GreeterStep: s})
}

func (m *meeting) claimerStep(s cloud.ClaimerStep) *Answer {
	return m.greeter.Org.Invited(m.token, &cloud.InviteClaimerStepReq{GreetingAttempt: m.attempt, ClaimerStep: s})
}

func (m *meeting) greeterCancel(r cloud.CancelledGreetingAttemptReason) *Answer {
	return m.greeter.Do(&cloud.InviteGreeterCancelGreetingAttemptReq{GreetingAttempt: m.attempt, Reason: r})
}

func (m *meeting) claimerCancel(r cloud.CancelledGreetingAttemptReason) *Answer {
	return m.greeter.Org.Invited(m.token, &cloud.InviteClaimerCancelGreetingAttemptReq{GreetingAttempt: m.attempt, Reason: r})
}

// both wants an answer of all four commands about an attempt.
func (m *meeting) both(step, cancel string) {
	m.t.Helper()
	Want(m.t, m.greeterStep(greeterSteps[0]), step)
	Want(m.t, m.claimerStep(claimerSteps[0]), step)
	Want(m.t, m.greeterCancel(cloud.CancelledInvalidSasCode), cancel)
	Want(m.t, m.claimerCancel(cloud.CancelledInvalidSasCode), cancel)
}

var greeterSteps = []cloud.GreeterStep{
	&cloud.GreeterStep0WaitPeer{PublicKey: trust.PublicKey{1}}, &cloud.GreeterStep1GetHashedNonce{}, &cloud.GreeterStep2SendNonce{GreeterNonce: []byte("g")},
	&cloud.GreeterStep3GetNonce{}, &cloud.GreeterStep4WaitPeerTrust{}, &cloud.GreeterStep5SignifyTrust{}, &cloud.GreeterStep6GetPayload{},
	&cloud.GreeterStep7SendPayload{GreeterPayload: []byte{}}, &cloud.GreeterStep8WaitPeerAcknowledgment{},
}

var claimerSteps = []cloud.ClaimerStep{
	&cloud.ClaimerStep0WaitPeer{PublicKey: trust.PublicKey{2}}, &cloud.ClaimerStep1SendHashedNonce{HashedNonce: trust.Digest([]byte("c"))},
	&cloud.ClaimerStep2GetNonce{}, &cloud.ClaimerStep3SendNonce{ClaimerNonce: []byte("c")}, &cloud.ClaimerStep4SignifyTrust{},
	&cloud.ClaimerStep5WaitPeerTrust{}, &cloud.ClaimerStep6SendPayload{ClaimerPayload: []byte("request")}, &cloud.ClaimerStep7GetPayload{},
	&cloud.ClaimerStep8Acknowledge{},
}

// TestGreeting goes through all steps, each side being first in turn, and each asking twice.
func TestGreeting(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		m := meet(t, o.First, inviteUser(t, o.First, "zoe@example.com"))
		heard := o.First.Listen("")
		for n := range greeterSteps {
			ask, other := m.claimerAsks(n), m.greeterAsks(n)
			if n%2 == 1 {
				ask, other = other, ask
			}
			Want(t, ask(), "not_ready")
			Want(t, ask(), "not_ready")
			if n+1 < len(greeterSteps) {
				Want(t, m.greeterStep(greeterSteps[n+1]), "step_too_advanced")
				Want(t, m.claimerStep(claimerSteps[n+1]), "step_too_advanced")
			}
			OK(t, other())
			OK(t, ask())
			OK(t, other())
		}
		for range 2 { // the claimer waited twice
			if e := Await[*cloud.EventGreetingAttemptReady](heard); e.GreetingAttempt != m.attempt || !e.Token.Equal(m.token) {
				t.Errorf("%+v", e)
			}
		}
		for range 2 { // the greeter asked twice
			if e, ok := heard.Event().(*cloud.EventGreetingAttemptJoined); !ok || e.GreetingAttempt != m.attempt || !e.Token.Equal(m.token) {
				t.Errorf("%+v", e)
			}
		}
		for _, spoiled := range []cloud.GreeterStep{&cloud.GreeterStep0WaitPeer{}, &cloud.GreeterStep2SendNonce{}, &cloud.GreeterStep7SendPayload{GreeterPayload: []byte("x")}} {
			Want(t, m.greeterStep(spoiled), "step_mismatch")
		}
		for _, spoiled := range []cloud.ClaimerStep{&cloud.ClaimerStep0WaitPeer{}, &cloud.ClaimerStep1SendHashedNonce{}, &cloud.ClaimerStep3SendNonce{}} {
			Want(t, m.claimerStep(spoiled), "step_mismatch")
		}
	})
}

// greeterAsks returns a step that wants to hear what the claimer says in it.
func (m *meeting) greeterAsks(n int) func() *Answer {
	return func() *Answer {
		a := m.greeterStep(greeterSteps[n])
		if a.Reply == "ok" {
			rep := Decode[cloud.InviteGreeterStepOK](m.t, a, (&cloud.InviteGreeterStepReq{}).DecodeReply)
			sameStep(m.t, &cloud.InviteClaimerStepReq{ClaimerStep: rep.ClaimerStep}, &cloud.InviteClaimerStepReq{ClaimerStep: claimerSteps[n]})
		}
		return a
	}
}

func (m *meeting) claimerAsks(n int) func() *Answer {
	return func() *Answer {
		a := m.claimerStep(claimerSteps[n])
		if a.Reply == "ok" {
			rep := Decode[cloud.InviteClaimerStepOK](m.t, a, (&cloud.InviteClaimerStepReq{}).DecodeReply)
			sameStep(m.t, &cloud.InviteGreeterStepReq{GreeterStep: rep.GreeterStep}, &cloud.InviteGreeterStepReq{GreeterStep: greeterSteps[n]})
		}
		return a
	}
}

func sameStep(t *testing.T, got, want cloud.Request) {
	t.Helper()
	if string(Must(cloud.EncodeRequest(got))) != string(Must(cloud.EncodeRequest(want))) {
		t.Errorf("the other side said %+v, want %+v", got, want)
	}
}

func TestGreetingStart(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		alice, bob, adam := o.First, o.Enrol("bob", trust.Standard), o.Enrol("adam", trust.Admin)
		token := inviteUser(t, alice, "zoe@example.com")
		start := func(by *Device, token trust.AccessToken) *Answer {
			return by.Do(&cloud.InviteGreeterStartGreetingAttemptReq{Token: token})
		}
		choose := func(u trust.UserID) *Answer {
			return o.Invited(token, &cloud.InviteClaimerStartGreetingAttemptReq{Greeter: u})
		}
		Want(t, start(alice, trust.GenerateAccessToken()), "invitation_not_found")
		Want(t, start(bob, token), "author_not_allowed")
		Want(t, choose(trust.NewUserID()), "greeter_not_found")
		Want(t, choose(bob.User), "greeter_not_allowed")
		one, two := meet(t, alice, token), meet(t, adam, token)
		if one.attempt == two.attempt {
			t.Error("two greeters are in one attempt")
		}
		at := o.Clock.Tick()
		again := &meeting{t, alice, token, claim(t, alice, token)}
		if again.attempt == one.attempt {
			t.Error("a claimer who begins anew is in the attempt from before")
		}
		for _, a := range []*Answer{one.greeterStep(greeterSteps[0]), one.claimerStep(claimerSteps[0])} {
			rep := Decode[cloud.GreetingAttemptCancelled](t, a, (&cloud.InviteClaimerStepReq{}).DecodeReply)
			if rep.Origin != cloud.IsClaimer || rep.Reason != cloud.CancelledAutomaticallyCancelled || rep.Timestamp != at {
				t.Errorf("%+v", rep)
			}
		}
		Want(t, again.greeterStep(greeterSteps[0]), "greeting_attempt_not_joined")
		Want(t, again.greeterCancel(cloud.CancelledManuallyCancelled), "greeting_attempt_not_joined")
		info := Decode[cloud.InviteInfoUser](t, o.Invited(token, &cloud.InviteInfoReq{}), (&cloud.InviteInfoReq{}).DecodeReply)
		if last := info.Administrators[1].LastGreetingAttemptJoinedOn; last == nil || !last.Before(at) {
			t.Errorf("alice was last there on %v", last)
		}
		if greet(t, alice, token) != again.attempt || greet(t, alice, token) == again.attempt {
			t.Error("a greeter who begins anew is in the attempt from before, or not in that of the claimer")
		}
		third := &meeting{t, alice, token, greet(t, alice, token)}
		Want(t, third.claimerStep(claimerSteps[0]), "greeting_attempt_not_joined")
		Want(t, third.claimerCancel(cloud.CancelledManuallyCancelled), "greeting_attempt_not_joined")
		alice.Revoke(adam)
		Want(t, choose(adam.User), "greeter_revoked")
		OK(t, alice.Do(&cloud.InviteCancelReq{Token: token}))
		Want(t, start(alice, token), "invitation_cancelled")
		done := inviteDevice(t, bob)
		OK(t, bob.Do(&cloud.InviteCompleteReq{Token: done}))
		Want(t, start(bob, done), "invitation_completed")
	})
}

// TestGreetingIsRefused: what stands between both sides and a step, or its end.
func TestGreetingIsRefused(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		adam, eve := o.Enrol("adam", trust.Admin), o.Enrol("eve", trust.Admin)
		token := inviteUser(t, o.First, "zoe@example.com")
		m := meet(t, adam, token)
		(&meeting{t, adam, token, trust.GreetingAttemptID{}}).both("greeting_attempt_not_found", "greeting_attempt_not_found")
		Want(t, (&meeting{t, eve, token, m.attempt}).greeterStep(greeterSteps[0]), "greeting_attempt_not_found")
		Want(t, (&meeting{t, eve, token, m.attempt}).greeterCancel(cloud.CancelledManuallyCancelled), "greeting_attempt_not_found")
		stranger := &meeting{t, adam, inviteUser(t, o.First, "other@example.com"), m.attempt}
		Want(t, stranger.claimerStep(claimerSteps[0]), "greeting_attempt_not_found")
		Want(t, stranger.claimerCancel(cloud.CancelledManuallyCancelled), "greeting_attempt_not_found")

		old := o.Prepare(cloud.Authenticated, &cloud.InviteGreeterStepReq{GreetingAttempt: m.attempt, GreeterStep: greeterSteps[0]}, adam.Token())
		old.Header.Set(cloud.HeaderVersion, "5.1")
		WantHTTP(t, s.Send(old), cloud.StatusUnsupportedAPI)
		old = o.Prepare(cloud.Invited, &cloud.InviteClaimerStepReq{GreetingAttempt: m.attempt, ClaimerStep: claimerSteps[0]}, Must(cloud.NewInvitationToken(token)))
		old.Header.Set(cloud.HeaderVersion, "5.1")
		WantHTTP(t, s.Send(old), cloud.StatusUnsupportedAPI)

		heard := adam.Listen("")
		at := o.Clock.Tick()
		OK(t, m.claimerCancel(cloud.CancelledInvalidNonceHash))
		if e := Await[*cloud.EventGreetingAttemptCancelled](heard); e.GreetingAttempt != m.attempt || !e.Token.Equal(token) {
			t.Errorf("%+v", e)
		}
		m.both("greeting_attempt_cancelled", "greeting_attempt_already_cancelled")
		rep := Decode[cloud.GreetingAttemptAlreadyCancelled](t, m.greeterCancel(cloud.CancelledManuallyCancelled), (&cloud.InviteGreeterCancelGreetingAttemptReq{}).DecodeReply)
		if rep.Origin != cloud.IsClaimer || rep.Reason != cloud.CancelledInvalidNonceHash || rep.Timestamp != at {
			t.Errorf("%+v", rep)
		}
		m = meet(t, adam, token)
		OK(t, m.greeterCancel(cloud.CancelledInvalidSasCode))
		Await[*cloud.EventGreetingAttemptCancelled](heard)

		m = meet(t, adam, token)
		demote := &trust.UserUpdateCertificate{Author: o.First.ID, Timestamp: o.Clock.Tick(), UserID: adam.User, NewProfile: trust.Standard}
		OK(t, o.First.Do(&cloud.UserUpdateReq{UserUpdateCertificate: o.First.Sign(demote)}))
		Want(t, m.greeterStep(greeterSteps[0]), "author_not_allowed")
		Want(t, m.greeterCancel(cloud.CancelledManuallyCancelled), "author_not_allowed")
		Want(t, m.claimerStep(claimerSteps[0]), "greeter_not_allowed")
		Want(t, m.claimerCancel(cloud.CancelledManuallyCancelled), "greeter_not_allowed")

		m = meet(t, eve, token)
		o.First.Revoke(eve)
		Want(t, m.claimerStep(claimerSteps[0]), "greeter_revoked")
		Want(t, m.claimerCancel(cloud.CancelledManuallyCancelled), "greeter_revoked")
		WantHTTP(t, m.greeterStep(greeterSteps[0]), cloud.StatusUserRevoked)
	})
}

func TestGreetingEnds(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		for status, end := range map[string]func(trust.AccessToken) cloud.Request{
			"invitation_completed": func(token trust.AccessToken) cloud.Request { return &cloud.InviteCompleteReq{Token: token} },
			"invitation_cancelled": func(token trust.AccessToken) cloud.Request { return &cloud.InviteCancelReq{Token: token} },
		} {
			m := meet(t, o.First, inviteDevice(t, o.First))
			Want(t, m.greeterStep(greeterSteps[0]), "not_ready")
			OK(t, o.First.Do(end(m.token)))
			Want(t, m.greeterStep(greeterSteps[0]), status)
			Want(t, m.greeterCancel(cloud.CancelledManuallyCancelled), status)
			WantHTTP(t, m.claimerStep(claimerSteps[0]), cloud.StatusInvitationGone)
			WantHTTP(t, m.claimerCancel(cloud.CancelledManuallyCancelled), cloud.StatusInvitationGone)
		}
	})
}

// TestAttemptsAreFew: who begins anew without end leaves few traces.
func TestAttemptsAreFew(t *testing.T) {
	Each(t, Options{}, func(t *testing.T, s *Server) {
		o := s.Bootstrapped()
		m := meet(t, o.First, inviteDevice(t, o.First))
		last := m
		for range 17 {
			o.Clock.Tick()
			last = &meeting{t, m.greeter, m.token, claim(t, o.First, m.token)}
		}
		Want(t, m.greeterStep(greeterSteps[0]), "greeting_attempt_not_found")
		greet(t, o.First, m.token)
		Want(t, last.claimerStep(claimerSteps[0]), "not_ready")
	})
}
