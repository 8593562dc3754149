package session_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/session/sessiontest"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// describe writes down everything that a store knows of users, devices and realms.
func describe(s *trust.Store) string {
	b := &strings.Builder{}
	topics, realms := s.Last()
	fmt.Fprintln(b, topics, len(realms))
	for _, id := range s.Users() {
		u, _ := s.User(id, far)
		fmt.Fprintln(b, id, u.Profile, u.Revoked, u.Certificate.HumanHandle != nil, u.Certificate.PublicKey)
		for _, d := range u.Devices {
			fmt.Fprintln(b, " ", d.DeviceID, d.VerifyKey, d.DeviceLabel != nil)
		}
	}
	for _, id := range s.Realms() {
		fmt.Fprintln(b, id, realms[id], len(s.Rotations(id)), s.Name(id) != nil, s.Archiving(id))
		for _, user := range s.Users() {
			fmt.Fprintln(b, " ", user, s.Role(id, user, far))
		}
	}
	return b.String()
}

var far = must(trust.DateTimeFromMicros(4_000_000_000_000_000))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func viewOf(t *testing.T, s *session.Session) (text string) {
	t.Helper()
	err := s.View(func(c *trust.Store) error {
		text = describe(c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// genuine reports what a session believes that is not so.
func genuine(s *session.Session, whole *trust.Store) error {
	return s.View(func(c *trust.Store) error {
		for _, id := range c.Users() {
			got, _ := c.User(id, far)
			want, ok := whole.User(id, far)
			if !ok || got.Certificate.PublicKey != want.Certificate.PublicKey || got.Certificate.Timestamp != want.Certificate.Timestamp {
				return fmt.Errorf("user %v is another one", id)
			}
			if h := got.Certificate.HumanHandle; h != nil && want.Certificate.HumanHandle != nil && *h != *want.Certificate.HumanHandle {
				return fmt.Errorf("user %v has another name", id)
			}
			if got.Revoked && !want.Revoked {
				return fmt.Errorf("user %v is revoked", id)
			}
			for _, d := range got.Devices {
				if key, err := whole.BundleAuthor(trust.Claim{Author: &d.DeviceID, Timestamp: far}); err != nil || key != d.VerifyKey {
					return fmt.Errorf("device %v is another one: %v", d.DeviceID, err)
				}
			}
		}
		return nil
	})
}

// victims are the users that a hostile server has to do with.
func victims(o *trusttest.Organisation) (all []*trusttest.User) {
	for _, u := range o.Users() {
		if u.Live() {
			all = append(all, u)
		}
	}
	return all
}

// among reports whether an error is one of those that are wanted.
func among(err error, want []error) bool {
	for _, w := range want {
		if w == nil && err == nil || w != nil && errors.Is(err, w) {
			return true
		}
	}
	return false
}

// TestHostileServer: whatever a server does to the certificates is noticed with its reason and changes nothing, or it has no more effect than hiding something, and that ends
// when it no longer does.
func TestHostileServer(t *testing.T) {
	rounds := 100
	if trusttest.Soak() {
		rounds = 1000
	}
	seed := trusttest.Seed(t)
	w := sessiontest.NewWorld(t, trusttest.Options{Seed: seed, Users: 8, Realms: 3, Events: 70})
	kinds, users := sessiontest.Manipulations(), victims(w.Organisation)
	done := map[string]int{}
	for n := 0; n < rounds; n++ {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		kind := kinds[n%len(kinds)]
		for _, i := range random.Perm(len(users)) { // not everybody has what can be manipulated so
			if manipulate(t, w, users[i], kind, random, done) {
				break
			}
		}
		if t.Failed() {
			t.Fatalf("round %d, PARSEC_SEED=%d", n, seed)
		}
	}
	// An organisation may lack what is needed for a kind.
	for n := uint64(1); n <= 10 && len(done) < len(kinds); n++ {
		w := sessiontest.NewWorld(t, trusttest.Options{Seed: seed + n, Users: 8, Realms: 3, Events: 70})
		for _, kind := range kinds {
			for _, user := range victims(w.Organisation) {
				if done[kind.Name] > 0 || manipulate(t, w, user, kind, rand.New(rand.NewPCG(seed, n)), done) {
					break
				}
			}
		}
	}
	total := 0
	for _, kind := range kinds {
		total += done[kind.Name]
		if done[kind.Name] == 0 {
			t.Errorf("nothing was %q", kind.Name)
		}
	}
	t.Logf("%d manipulations of %d kinds", total, len(kinds))
	if total < rounds*9/10 {
		t.Errorf("only %d manipulations", total)
	}
}

// manipulate is one round: a session that has nothing, or what there was at some time, meets a server that does something, and then one that does not.
func manipulate(t *testing.T, w *sessiontest.World, self *trusttest.User, kind sessiontest.Manipulation, random *rand.Rand, done map[string]int) bool {
	t.Helper()
	held, place := w.Choose(self), sessiontest.NewPlace(t)
	s, end, err := place.Open(t, held, w.Clock)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	if random.IntN(3) > 0 {
		at := w.Events()[random.IntN(len(w.Events()))].At
		w.Proxy.Certificates(func(_ *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) { w.Until(rep, at) })
		if err := s.Refresh(t.Context()); err != nil && !errors.Is(err, session.ErrWithheld) {
			t.Fatalf("as it was at %v: %v", at, err)
		}
	}
	before := viewOf(t, s)
	var want []error
	w.Proxy.Certificates(func(req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK) {
		for n := 0; n < 100 && want == nil; n++ { // what does not fit may do so with other dice
			want, _ = kind.Apply(w, random.Uint64(), req, rep)
		}
	})
	err = s.Refresh(t.Context())
	if want == nil {
		return false
	}
	done[kind.Name]++
	if !among(err, want) {
		t.Errorf("%s: %v, want one of %v", kind.Name, err, want)
	}
	whole := w.Store(self)
	if err := whole.Add(w.Stream(self).Batch()); err != nil {
		t.Fatal(err)
	}
	if after := viewOf(t, s); err != nil && !errors.Is(err, session.ErrWithheld) && after != before {
		t.Errorf("%s: %v, and the view is another one:\n%s\n%s", kind.Name, err, before, after)
	}
	if err := genuine(s, whole); err != nil {
		t.Errorf("%s: %v", kind.Name, err)
	}
	w.Proxy.Meddle(nil)
	if err := errors.Join(s.Refresh(t.Context()), s.Audit(t.Context())); err != nil {
		t.Errorf("after %s: %v", kind.Name, err)
	}
	if got := viewOf(t, s); got != describe(whole) {
		t.Errorf("after %s:\n%s\n%s", kind.Name, got, describe(whole))
	}
	return true
}
