package session_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// proxied is a session behind a proxy.
func proxied(t *testing.T) (*world, *sessiontest.Proxy) {
	t.Helper()
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	p := sessiontest.NewProxy(t, s.URL)
	return begin(t, org.First, p.URL), p
}

// TestStatuses: what a server says is noticed at once, with what to do, and whatever it was, the session is online again when it is over.
func TestStatuses(t *testing.T) {
	w, p := proxied(t)
	w.run()
	w.untilState(session.Online)
	for status, want := range map[cloud.HTTPStatus]session.State{
		cloud.StatusOrganizationNotFound: session.NotFound, cloud.StatusOrganizationExpired: session.Expired, cloud.StatusUserRevoked: session.Revoked,
		cloud.StatusUserFrozen: session.Frozen, cloud.StatusMustAcceptTOS: session.MustAcceptTerms, cloud.StatusBadAuthorization: session.Unknown,
		cloud.StatusTokenExpired: session.ClockWrong, cloud.StatusUnsupportedAPI: session.Incompatible, cloud.StatusStopping: session.Offline,
		http.StatusTeapot: session.Incompatible, http.StatusBadGateway: session.Offline, http.StatusFound: session.Incompatible,
	} {
		p.Refuse(status)
		w.Wake()
		w.untilState(want)
		st := w.Status()
		if st.Remedy == "" || st.Reason == "" || st.Err == nil {
			t.Errorf("%d: %+v", status, st)
		}
		if age, ok := st.Age(w.org.Clock.Now()); !ok || age < 0 {
			t.Errorf("%d: the view has the age %v, %v", status, age, ok)
		}
		if err := w.Refresh(t.Context()); err == nil {
			t.Errorf("%d: refreshed", status)
		}
		if w.users() != 1 {
			t.Errorf("%d: %d users", status, w.users())
		}
		p.Refuse(cloud.StatusOK)
		w.Wake()
		w.untilState(session.Online)
	}
}

// TestTerms: new terms keep the session from working until a person accepts them, those and no others.
func TestTerms(t *testing.T) {
	w, p := proxied(t)
	updated := must(trust.DateTimeFromMicros(1_800_000_000_000_000))
	accepted := make(chan trust.DateTime, 1)
	p.Meddle(func(rw http.ResponseWriter, r *sessiontest.Request) bool {
		switch req := r.Decoded.(type) {
		case *cloud.TOSGetReq:
			sessiontest.Reply(rw, &cloud.TOSGetOK{PerLocaleURLs: map[string]string{"en": "https://example.com"}, UpdatedOn: updated})
		case *cloud.TOSAcceptReq:
			if req.TOSUpdatedOn != updated {
				sessiontest.Reply(rw, &cloud.TOSMismatch{})
				return true
			}
			sessiontest.Reply(rw, &cloud.OK{})
			p.Meddle(nil)
			accepted <- req.TOSUpdatedOn
		default:
			cloud.Refuse(rw, cloud.StatusMustAcceptTOS)
		}
		return true
	})
	w.run()
	w.untilState(session.MustAcceptTerms)
	terms, err := w.Terms(t.Context())
	if err != nil || terms.UpdatedOn != updated {
		t.Fatalf("%+v, %v", terms, err)
	}
	other := &session.UnexpectedStatusError{}
	if err := w.AcceptTerms(t.Context(), updated.Add(time.Second)); !errors.As(err, &other) || !strings.Contains(other.Status, "mismatch") {
		t.Errorf("accepted others: %v", err)
	}
	if err := w.AcceptTerms(t.Context(), terms.UpdatedOn); err != nil {
		t.Fatal(err)
	}
	if at := <-accepted; at != updated {
		t.Errorf("accepted %v", at)
	}
	w.untilState(session.Online)
}

// TestRevoked: a revocation is noticed at once, though nobody says it to the session but by closing its stream.
func TestRevoked(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	bob := org.Enrol("bob", trust.Standard)
	w := begin(t, bob, s.URL)
	w.run()
	w.untilState(session.Online)
	org.First.Revoke(bob)
	w.untilState(session.Revoked)
}

// TestProfile: who becomes an outsider gets everything without names, and all of it with names when that ends; the stream begins anew each time.
func TestProfile(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	bob := org.Enrol("bob", trust.Standard)
	w := begin(t, bob, s.URL)
	w.run()
	w.untilState(session.Online)
	for _, profile := range []trust.Profile{trust.Outsider, trust.Admin} {
		c := &trust.UserUpdateCertificate{Author: org.First.ID, Timestamp: s.Clock.Tick(), UserID: bob.User, NewProfile: profile}
		servertest.OK(t, org.First.Do(&cloud.UserUpdateReq{UserUpdateCertificate: org.First.Sign(c)}))
		w.until("profile "+profile.String(), func() bool { return w.Profile() == profile })
		w.untilState(session.Online)
		_ = w.View(func(c *trust.Store) error {
			u, ok := c.User(org.First.User, far)
			if named := ok && u.Certificate.HumanHandle != nil; !ok || named != (profile != trust.Outsider) {
				t.Errorf("as %v: there %v, with a name %v", profile, ok, named)
			}
			return nil
		})
	}
	servertest.OK(t, org.First.Do(&cloud.InviteNewUserReq{ClaimerEmail: must(trust.NewEmailAddress("new@example.com"))}))
	w.again()
	if w.Profile() != trust.Admin {
		t.Errorf("%v after a restart", w.Profile())
	}
}

// TestRollback: a server that is behind, or has another history, is refused until a person accepts it; that is recorded, and nothing is sent before.
func TestRollback(t *testing.T) {
	o := sessiontest.NewWorld(t, trusttest.Options{Seed: 5, Users: 4, Realms: 1, Events: 30})
	self := o.Users()[0]
	for _, u := range victims(o.Organisation) {
		if !u.Switched() {
			self = u
		}
	}
	place, held := sessiontest.NewPlace(t), o.Choose(self)
	s, end, err := place.Open(t, held, o.Clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := viewOf(t, s)
	if err := s.AcceptRollback(t.Context()); !errors.Is(err, session.ErrNoRollback) {
		t.Errorf("accepted what is not: %v", err)
	}
	asked := 0
	since := len(o.Events()) - 3
	for o.StreamAt(self, since).Common == nil || len(o.StreamAt(self, since).Batch().Common) == len(o.Stream(self).Batch().Common) {
		since-- // the common topic is behind
	}
	o.Proxy.Point(o.Restored(t, since))
	for range 2 {
		behind := &session.RollbackError{}
		if err := s.Refresh(t.Context()); !errors.Is(err, session.ErrRollback) || !errors.As(err, &behind) {
			t.Fatal(err)
		}
		if st := s.Status(); st.State != session.RolledBack || !strings.Contains(st.Remedy, "accept-rollback") {
			t.Errorf("%+v", st)
		}
		o.Proxy.Meddle(func(http.ResponseWriter, *sessiontest.Request) bool {
			asked++
			return false
		})
		if _, err := cloud.Do(t.Context(), s.Client(), &cloud.InviteListReq{}); !errors.Is(err, session.ErrRollback) {
			t.Errorf("a command was sent: %v", err)
		}
		o.Proxy.Meddle(nil)
		if asked > 0 || viewOf(t, s) != before {
			t.Errorf("%d requests", asked)
		}
		o.Proxy.Refuse(cloud.StatusStopping)
		if err := s.Refresh(t.Context()); err == nil || s.Status().State != session.RolledBack {
			t.Errorf("%v; while the server cannot be reached it is %+v", err, s.Status())
		}
		o.Proxy.Refuse(cloud.StatusOK)
		end()
		if s, end, err = place.Open(t, held, o.Clock); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Refresh(t.Context()); !errors.Is(err, session.ErrRollback) {
		t.Fatal(err)
	}
	if err := s.AcceptRollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := o.Store(self)
	if err := after.Add(o.StreamAt(self, since).Batch()); err != nil || viewOf(t, s) != describe(after) {
		t.Errorf("%v\n%s\n%s", err, viewOf(t, s), describe(after))
	}
	if _, err := cloud.Do(t.Context(), s.Client(), &cloud.InviteListReq{}); err != nil {
		t.Error(err)
	}
	end()
	pins, err := session.OpenPins(place.PinsDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pins.Close() }()
	if all := pins.List(); len(all) != 1 || len(all[0].Rollbacks) != 1 || !strings.Contains(all[0].Rollbacks[0].Missing, "common") {
		t.Errorf("%+v", all)
	}
}

// TestOtherRoot: another organisation under the name of one that is pinned is refused before anything is asked, until a person leaves the first one.
func TestOtherRoot(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	w := begin(t, org.First, s.URL)
	w.refresh()
	w.close()
	other := sessiontest.Local(t, org.First, s.URL)
	other.RootVerifyKey = must(trust.GenerateSigningKey().VerifyKey())
	_, end, err := w.place.Open(t, sessiontest.Hold(other), s.Clock)
	if !errors.Is(err, session.ErrOtherRoot) {
		t.Errorf("%v", err)
	}
	end()
	pins := must(session.OpenPins(w.place.PinsDir))
	if left, err := pins.Leave(other.Server, other.OrganizationID); !left || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if err := pins.Close(); err != nil {
		t.Fatal(err)
	}
	w.place.Dir = t.TempDir()
	sess, _, err := w.place.Open(t, sessiontest.Hold(other), s.Clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := sess.Refresh(t.Context()); !errors.Is(err, session.ErrRefused) {
		t.Errorf("certificates under another root: %v", err)
	}
}

// TestAnnouncedAndWithheld: certificates that the server speaks of and does not give are missed, and come when it does.
func TestAnnouncedAndWithheld(t *testing.T) {
	w, p := proxied(t)
	w.run()
	w.untilState(session.Online)
	p.Certificates(func(_ *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) {
		rep.CommonCertificates = rep.CommonCertificates[:min(len(rep.CommonCertificates), 2)] // user and device of the founder
	})
	w.org.Enrol("bob", trust.Standard)
	w.untilState(session.Behind)
	if st := w.Status(); !errors.Is(st.Err, session.ErrWithheld) || w.users() != 1 {
		t.Errorf("%+v", st)
	}
	p.Meddle(nil)
	w.Wake()
	w.until("bob", func() bool { return w.users() == 2 && w.Status().State == session.Online })
}

// TestStreams: what a stream of events can hold besides events ends in a new connection, or is passed over; nothing is believed for it.
func TestStreams(t *testing.T) {
	w, p := proxied(t)
	w.run()
	w.untilState(session.Online)
	for name, frame := range map[string]string{
		"no base64": "data:!!\n\n", "no event": "data:AAAA\n\n", "an unknown kind": "event:x\ndata:AAAA\n\n", "an endless line": "data:" + strings.Repeat("A", 2<<20),
		"many lines": strings.Repeat("data:A\n", 5000) + "\n", "missed": cloud.MissedEventsFrame, "a foreign realm": announcement(t), "nothing": "",
	} {
		sent := make(chan struct{}, 1)
		p.Frames(func(string) []string {
			select {
			case sent <- struct{}{}:
			default:
			}
			return []string{frame}
		})
		servertest.OK(t, w.org.First.Do(&cloud.InviteNewDeviceReq{})) // an event that gets lost
		<-sent
		p.Frames(nil)
		p.Hang()
		w.Wake()
		w.until("online after "+name, func() bool { return w.Status().State == session.Online })
		if w.users() != 1 {
			t.Errorf("%s: %d users", name, w.users())
		}
	}
}

// announcement speaks of a realm that there is not.
func announcement(t *testing.T) string {
	t.Helper()
	b, err := cloud.EventFrame(&cloud.EventRealmCertificate{RealmID: trust.NewRealmID(), Timestamp: far}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
