package session_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	pgtest.Exit(code)
}

// world is a session of the first device of an organisation, and what it is made of.
type world struct {
	*session.Session
	t     *testing.T
	org   *servertest.Organization
	held  *sessiontest.Held
	place *sessiontest.Place
	close func()
}

// begin opens a session at the server, or at a proxy before it.
func begin(t *testing.T, d *servertest.Device, url string) *world {
	t.Helper()
	w := &world{t: t, org: d.Org, held: sessiontest.Hold(sessiontest.Local(t, d, url)), place: sessiontest.NewPlace(t)}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.Session, w.close, err = w.place.Open(w.t, w.held, w.org.Clock); err != nil {
		w.t.Fatal(err)
	}
}

// again closes the session and opens it anew.
func (w *world) again() {
	w.t.Helper()
	w.close()
	w.open()
}

func (w *world) refresh() {
	w.t.Helper()
	if err := w.Refresh(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// users returns how many users there are certificates of.
func (w *world) users() (n int) {
	w.t.Helper()
	err := w.View(func(s *trust.Store) error {
		n = len(s.Users())
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// run runs the session until the test ends, or stop is called.
func (w *world) run() (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	stop = func() {
		cancel()
		<-done //nolint:errcheck // it is the end of its context
		done <- nil
	}
	w.t.Cleanup(stop)
	return stop
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// until waits for a condition.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain: %s; status %+v", what, w.Status())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) untilState(state session.State) {
	w.t.Helper()
	w.until("state "+state.String(), func() bool { return w.Status().State == state })
}

// TestRefresh: certificates come, stay over a restart without being verified again, and are asked for from there on.
func TestRefresh(t *testing.T) {
	servertest.Each(t, servertest.Options{}, func(t *testing.T, s *servertest.Server) {
		org := s.Bootstrapped()
		w := begin(t, org.First, s.URL)
		if w.users() != 0 || w.Profile() != trust.Standard {
			t.Errorf("%d users, profile %v", w.users(), w.Profile())
		}
		w.refresh()
		if w.users() != 1 || w.Profile() != trust.Admin {
			t.Errorf("%d users, profile %v", w.users(), w.Profile())
		}
		org.Enrol("bob", trust.Standard)
		realm := org.First.CreateRealm()
		w.refresh()
		w.again()
		if w.users() != 2 {
			t.Errorf("%d users after a restart", w.users())
		}
		w.refresh()
		servertest.OK(t, org.First.Do(org.First.RotationReq(realm, 1, org.First.User)))
		org.Enrol("carol", trust.Standard)
		w.refresh()
		if w.users() != 3 {
			t.Errorf("%d users", w.users())
		}
		_ = w.View(func(c *trust.Store) error {
			if len(c.Rotations(realm)) != 1 {
				t.Error("no rotation")
			}
			return nil
		})
		st := w.Status()
		if age, ok := st.Age(s.Clock.Now()); !ok || age != 0 || st.State != session.Offline || st.Reason == "" {
			t.Errorf("%+v", st)
		}
	})
}

// TestRun: a running session is online, and follows what happens.
func TestRun(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	w := begin(t, org.First, s.URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events := w.Watch(ctx)
	stop := w.run()
	w.untilState(session.Online)
	if c, ok := w.Config(); !ok || !c.UserProfileOutsiderAllowed {
		t.Errorf("%+v, %v", c, ok)
	}
	org.Enrol("bob", trust.Standard)
	w.until("the new user", func() bool { return w.users() == 2 })
	servertest.OK(t, org.First.Do(&cloud.InviteNewDeviceReq{}))
	seen := map[string]bool{}
	for e := range events {
		switch e := e.(type) {
		case session.StatusChanged:
			seen[e.Status.State.String()] = true
		case session.Accepted:
			seen["accepted"] = true
		case session.Heard:
			if _, ok := e.Event.(*cloud.EventInvitation); ok {
				cancel()
			}
		case session.Missed:
			seen["missed"] = true
		}
	}
	for _, want := range []string{"connecting", "online", "accepted", "missed"} {
		if !seen[want] {
			t.Errorf("no event %q among %v", want, seen)
		}
	}
	stop()
	if st := w.Status(); st.State != session.Offline {
		t.Errorf("%+v", st)
	}
}

// TestLock: a device that is locked ends its session.
func TestLock(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	w := begin(t, org.First, s.URL)
	done := make(chan error, 1)
	go func() { done <- w.Run(t.Context()) }()
	w.untilState(session.Online)
	w.held.Lock()
	if err := <-done; err == nil {
		t.Error("no error")
	}
	if err := w.Refresh(t.Context()); err == nil {
		t.Error("refreshed with a locked device")
	}
	if st := w.Status(); st.State != session.Locked {
		t.Errorf("%+v", st)
	}
}

// TestCertify: a command gets a timestamp that the server takes.
func TestCertify(t *testing.T) {
	s := servertest.New(t, servertest.Options{})
	org := s.Bootstrapped()
	bob := org.Enrol("bob", trust.Standard)
	w := begin(t, org.First, s.URL)
	w.refresh()
	s.Clock.Advance(-10 * time.Second) // what is signed now is older than what is there
	times := []trust.DateTime{}
	rep, err := session.Certify(t.Context(), w.Session, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {
		times = append(times, at)
		b, err := trust.SignCertificate(&trust.RevokedUserCertificate{Author: d.DeviceID, Timestamp: at, UserID: bob.User}, d.SigningKey)
		return &cloud.UserRevokeReq{RevokedUserCertificate: b}, err
	})
	if err != nil || rep.Status() != "ok" || len(times) != 2 || !times[1].After(times[0]) {
		t.Fatalf("%v, %v at %v", rep, err, times)
	}
	s.Clock.Advance(time.Minute)
	w.refresh()
	_ = w.View(func(c *trust.Store) error {
		if u, _ := c.User(bob.User, times[1]); !u.Revoked {
			t.Error("not revoked")
		}
		return nil
	})
}
