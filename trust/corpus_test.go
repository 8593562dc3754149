package trust_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// corpus are the organisations that a run looks at: a few small ones, or with PARSEC_SOAK many large ones.
func corpus(t *testing.T) []trusttest.Options {
	t.Helper()
	seed := trusttest.Seed(t)
	size, n := trusttest.Options{Users: 14, Realms: 4, Events: 170}, 6
	if testing.Short() { // the race detector looks at who reads and writes, and needs no rare state for it
		size, n = trusttest.Options{Users: 7, Realms: 2, Events: 60}, 2
	}
	if trusttest.Soak() {
		size, n = trusttest.Options{Users: 200, Realms: 20, Devices: 4, Events: 1500}, 4
	}
	all := make([]trusttest.Options, n)
	for i := range all {
		all[i] = size
		all[i].Seed, all[i].Sequestered = seed+uint64(i), i%2 == 0
	}
	return all
}

// TestCorpus judges valid organisations and forged ones.
func TestCorpus(t *testing.T) {
	missing := map[string]bool{}
	for _, k := range trusttest.Forgeries() {
		missing[k.Name] = true
	}
	for _, k := range trusttest.Tamperings() {
		missing[k.Name] = true
	}
	t.Logf("%d forgeries", len(missing))
	all := corpus(t)
	for _, options := range all {
		c := live(t, options, nil)
		c.judgeValid(t)
		c.judgeForged(t, missing)
		c.judgeTampered(t, missing)
	}
	if testing.Short() {
		return
	}
	// What hardly anybody can do is looked for longer.
	for i := uint64(0); i < 100 && len(missing) > 0; i++ {
		options := trusttest.Options{Seed: all[0].Seed + 1000 + i, Users: 8, Realms: 3, Events: 90, Sequestered: i%2 == 0}
		c := live(t, options, missing)
		c.judgeForged(t, missing)
		c.judgeTampered(t, missing)
	}
	for name := range missing {
		t.Errorf("%s: nobody could forge it", name)
	}
}

// lived is an organisation at its end, with what was forged on the way.
type lived struct {
	*trusttest.Organisation
	forged []*trusttest.Forged
	rand   *rand.Rand
}

// live makes an organisation, and each forgery, or some, at the first place where it fits after a random one.
func live(t *testing.T, options trusttest.Options, some map[string]bool) *lived {
	t.Helper()
	c := &lived{Organisation: trusttest.New(options), rand: rand.New(rand.NewPCG(options.Seed, 2))}
	waiting := map[string]int{} // from which event on
	kinds := trusttest.Forgeries()
	for _, k := range kinds {
		if some == nil || some[k.Name] {
			waiting[k.Name] = c.rand.IntN(options.Events)
		}
	}
	try := func(from int) {
		for _, k := range kinds {
			if at, ok := waiting[k.Name]; ok && at <= from {
				if f := c.Forge(k, c.rand.Uint64()); f != nil {
					c.forged = append(c.forged, f)
					delete(waiting, k.Name)
				}
			}
		}
	}
	try(options.Events) // those of the foundation
	for range c.Life() {
		try(len(c.Events()))
	}
	return c
}

// chosen is true once in n times, and always with PARSEC_SOAK: what a sample tries anyway.
func (c *lived) chosen(n int) bool { return trusttest.Soak() || c.rand.IntN(n) == 0 }

// judgeValid: every user accepts everything, in one batch or piece by piece, on one processor or several.
func (c *lived) judgeValid(t *testing.T) {
	t.Helper()
	for _, self := range c.Users() {
		s := c.Stream(self)
		one, v := judge(t, c.Organisation, self, s, 1)
		if v.Reason != 0 {
			t.Errorf("user %v: %v", self.ID, v)
		}
		if !c.chosen(6) {
			continue
		}
		many, v := judge(t, c.Organisation, self, s, 4)
		if v.Reason != 0 || describe(one) != describe(many) {
			t.Errorf("user %v: %v with several processors\n%s\n%s", self.ID, v, describe(one), describe(many))
		}
		if !self.Switched() {
			slow, v := judgeSlowly(t, c.Organisation, self, s)
			if v.Reason != 0 || describe(one) != describe(slow) {
				t.Errorf("user %v: %v piece by piece\n%s\n%s", self.ID, v, describe(one), describe(slow))
			}
		}
		c.follow(t, self, one)
	}
}

// follow asks from time to time for what is new, as a client does, through every change of form.
func (c *lived) follow(t *testing.T, self *trusttest.User, want *trust.Store) {
	t.Helper()
	store := c.Store(self)
	for n, all := 0, len(c.Events()); n < all; {
		n = min(all, n+1+c.rand.IntN(30))
		if c.Events()[n-1].At.Before(self.Since) {
			continue
		}
		s := c.StreamAt(self, n)
		err := store.Add(s.Since(store.Last()))
		if errors.Is(err, trust.ErrRedaction) {
			if topics, _ := store.Last(); len(topics) != 0 {
				t.Errorf("user %v: something is left after %v", self.ID, err)
			}
			err = store.Add(s.Since(store.Last()))
		}
		if err != nil {
			t.Fatalf("user %v after %d events: %v", self.ID, n, err)
		}
	}
	if describe(store) != describe(want) {
		t.Errorf("user %v has followed to\n%s\nwhich is\n%s", self.ID, describe(store), describe(want))
	}
}

// judgeForged: every forgery is refused at its certificate and for its reason.
func (c *lived) judgeForged(t *testing.T, missing map[string]bool) {
	t.Helper()
	users := c.Users()
	for _, f := range c.forged {
		if !missing[f.Name] && !c.chosen(10) {
			continue
		}
		if f.Field != "" {
			c.judgePair(t, f, missing)
			continue
		}
		self := f.Self
		if self == nil {
			self = users[c.rand.IntN(len(users))]
		}
		end := min(len(c.Events()), f.After()+20)
		if f.After() == 0 {
			end = 0 // another foundation
			self = users[0]
		}
		s := c.StreamWith(f, self, end)
		want := verdict{Place: trusttest.Place{Topic: f.Bad.Topic, Realm: f.Bad.Realm, Index: s.Place(f)}, Reason: f.Want}
		c.refused(t, f.Name, self, s, want, f.Late)
		if c.chosen(3) {
			c.refusedLater(t, f, self)
		}
		delete(missing, f.Name)
	}
}

// refused demands one verdict whichever way.
func (c *lived) refused(t *testing.T, name string, self *trusttest.User, s trusttest.Stream, want verdict, late bool) {
	t.Helper()
	if want.Place.Topic != trust.TopicRealm {
		want.Place.Realm = trust.RealmID{}
	}
	for _, processors := range []int{1, 3} {
		if processors > 1 && !c.chosen(3) {
			continue
		}
		store, got := judge(t, c.Organisation, self, s, processors)
		if got != want {
			t.Errorf("%s, %d processors: %v, want %v", name, processors, got, want)
		}
		if got, none := describe(store), describe(c.Store(self)); got != none {
			t.Errorf("%s: the refused batch left %s", name, got)
		}
	}
	if self.Switched() || late || !c.chosen(3) {
		return
	}
	if _, got := judgeSlowly(t, c.Organisation, self, s); got != want {
		t.Errorf("%s piece by piece: %v, want %v", name, got, want)
	}
}

// refusedLater gives the forgery to somebody who has what was before, and then what is right.
func (c *lived) refusedLater(t *testing.T, f *trusttest.Forged, self *trusttest.User) {
	t.Helper()
	before, after := c.StreamAt(self, f.After()), c.StreamWith(f, self, f.After())
	if f.After() == 0 || before.Redacted != after.Redacted || f.Event.At.Before(self.Since) || f.Bad.Content.SignedAt() != f.Event.At {
		return
	}
	store := c.Store(self)
	if err := store.Add(before.Batch()); err != nil {
		t.Fatal(err)
	}
	was := describe(store)
	batch := after.Since(store.Last())
	got := verdictOf(t, store.Add(batch))
	if got.Reason != f.Want || got.Place.Topic != f.Bad.Topic {
		t.Errorf("%s after what was before: %v, want %v", f.Name, got, f.Want)
	}
	if is := describe(store); is != was {
		t.Errorf("%s: the refused batch left\n%s\nbefore:\n%s", f.Name, is, was)
	}
	next := c.StreamAt(self, min(len(c.Events()), f.After()+1))
	if err := store.Add(next.Since(store.Last())); err != nil && !errors.Is(err, trust.ErrRedaction) {
		t.Errorf("%s: what is right comes too late: %v", f.Name, err)
	}
}

// judgePair: both forms are genuine, and differ in more than what is redacted.
func (c *lived) judgePair(t *testing.T, f *trusttest.Forged, missing map[string]bool) {
	t.Helper()
	author := trust.Author{Device: f.Bad.Content.SignedBy(), Key: must(f.Event.Author.Signing.VerifyKey())}
	full, redacted := must(trust.VerifyCertificate(f.Bad.Signed, author)), must(trust.VerifyCertificate(f.Bad.Redacted, author))
	var right, forged error
	switch full := full.(type) {
	case *trust.UserCertificate:
		r, _ := redacted.(*trust.UserCertificate)
		right, forged = full.CheckRedacted(full.Redacted()), full.CheckRedacted(r)
	case *trust.DeviceCertificate:
		r, _ := redacted.(*trust.DeviceCertificate)
		right, forged = full.CheckRedacted(full.Redacted()), full.CheckRedacted(r)
	}
	if differs := (*trust.UnexpectedError)(nil); right != nil || !errors.As(forged, &differs) || differs.Field != f.Field {
		t.Errorf("%s: %v, and the right form %v", f.Name, forged, right)
	}
	delete(missing, f.Name)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// judgeTampered: what a server withholds, moves or breaks is noticed where it is noticed first.
func (c *lived) judgeTampered(t *testing.T, missing map[string]bool) {
	t.Helper()
	users := c.Users()
	for _, k := range trusttest.Tamperings() {
		if !missing[k.Name] && !c.chosen(10) {
			continue
		}
		for range 4 {
			self := users[c.rand.IntN(len(users))]
			s, place, ok := c.Stream(self).Tamper(k, c.rand.Uint64())
			if !ok {
				continue
			}
			_, got := judge(t, c.Organisation, self, s, 2)
			if !slices.Contains(k.Want, got.Reason) {
				t.Errorf("%s for %v: %v, want one of %v", k.Name, self.ID, got, k.Want)
				continue
			}
			c.refused(t, k.Name, self, s, verdict{Place: place, Reason: got.Reason}, k.Name == "share withheld")
			delete(missing, k.Name)
			break
		}
	}
}
