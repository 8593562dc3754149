package enrol_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// circle is an organisation whose first user, Alice, lets Bob and Carol hold shares.
type circle struct {
	t     *testing.T
	front *front
	alice *session.Session
	first enrol.Result
	// holders are by user.
	holders map[trust.UserID]*holding
	users   []trust.UserID
}

type holding struct {
	agent *agent
	s     *session.Session
}

func newCircle(t *testing.T, names ...string) *circle {
	t.Helper()
	f := newFront(t)
	_, alice, first := bootstrapped(t, f)
	c := &circle{t: t, front: f, alice: alice.session(t, first.Device), first: first, holders: map[trust.UserID]*holding{}}
	for _, name := range names {
		invited, err := enrol.InviteUser(t.Context(), c.alice, servertest.Must(trust.NewEmailAddress(name+"@example.com")), false)
		must(t, err)
		a := f.member(t).start()
		claimer, err := a.Claim(&invited.Address)
		must(t, err)
		v := newVoice()
		claimed, greeted := both(t.Context(), claimer, alice.Greet(c.alice, invited.Address.Token), &script{name: name, say: v}, &script{name: "alice", say: v})
		if claimed.err != nil || greeted.err != nil {
			t.Fatalf("%v, %v", claimed.err, greeted.err)
		}
		c.holders[claimed.User] = &holding{a, a.session(t, claimed.Device)}
		c.users = append(c.users, claimed.User)
	}
	return c
}

// shares deals one share to each.
func (c *circle) shares() map[trust.UserID]uint8 {
	all := map[trust.UserID]uint8{}
	for _, id := range c.users {
		all[id] = 1
	}
	return all
}

// handOver lets a holder greet who recovers.
func (c *circle) handOver(ctx context.Context, id trust.UserID, token trust.AccessToken, v *voice) error {
	h := c.holders[id]
	_, err := h.agent.Greet(h.s, token).Run(ctx, &script{name: "holder", say: v})
	return err
}

func (c *circle) state(s *session.Session) enrol.RecoveryState {
	c.t.Helper()
	must(c.t, s.Refresh(c.t.Context()))
	all, err := enrol.Recoveries(s)
	must(c.t, err)
	if len(all) != 1 || all[0].Owner != c.first.User {
		c.t.Fatalf("recoveries: %+v", all)
	}
	return all[0].State
}

// TestSharedRecovery sets a recovery up, loses everything, comes back by two of three who hold shares, one of whom is interrupted, and deletes it.
func TestSharedRecovery(t *testing.T) {
	c := newCircle(t, "bob", "carol", "dave")
	must(t, enrol.SetUpRecovery(t.Context(), c.alice, 2, c.shares()))
	if err := enrol.SetUpRecovery(t.Context(), c.alice, 2, c.shares()); !errors.Is(err, enrol.ErrRefused) {
		t.Errorf("a second set-up: %v", err)
	}
	bob, carol, dave := c.users[0], c.users[1], c.users[2]
	for _, s := range []*session.Session{c.alice, c.holders[bob].s} {
		if got := c.state(s); got != enrol.RecoveryValid {
			t.Errorf("it is %s", got)
		}
	}
	c.front.Clock.Advance(time.Minute)
	must(t, enrol.RevokeUser(t.Context(), c.alice, dave))
	if got := c.state(c.alice); got != enrol.RecoveryReduced {
		t.Errorf("without dave it is %s", got)
	}

	invited, err := enrol.InviteRecovery(t.Context(), c.holders[bob].s, c.first.User, false)
	must(t, err)
	m := c.front.member(t)
	v := newVoice()
	// Bob hands his share over, and the machine of who comes back is switched off.
	ctx, off := context.WithCancel(t.Context())
	claimer, err := m.start().Claim(&invited.Address)
	must(t, err)
	p := &script{name: "alice", say: v, on: func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		if q, ok := q.(enrol.ChooseGreeter); ok {
			if len(q.Greeters) != 2 {
				t.Errorf("greeters: %v", q.Greeters)
			}
			return enrol.Greeter{User: bob}, nil
		}
		return nil, nil //nolint:nilnil // the script answers
	}, told: func(n enrol.Notice) {
		if n.Event == enrol.EventShares {
			off()
		}
	}}
	claimed, greeted := both(ctx, claimer, &handing{c, bob, invited.Address.Token, v}, p, p)
	if claimed.err == nil {
		t.Fatalf("it was not switched off: %v, %v", claimed, greeted.err)
	}

	v = newVoice()
	a := m.start()
	claimer, err = a.Claim(&invited.Address)
	must(t, err)
	p = &script{name: "alice", say: v}
	claimed, greeted = both(t.Context(), claimer, &handing{c, carol, invited.Address.Token, v}, p, p)
	if claimed.err != nil || greeted.err != nil {
		t.Fatalf("%v, %v\n%s", claimed.err, greeted.err, p.history())
	}
	if claimed.User != c.first.User || claimed.Device == c.first.Device || claimed.Root != c.first.Root || claimed.Human != c.first.Human {
		t.Errorf("recovered %+v, was %+v", claimed.Result, c.first)
	}
	if left := a.entries(t); len(left) != 0 {
		t.Errorf("the journal still has %+v", left)
	}
	again := a.session(t, claimed.Device)
	must(t, again.Refresh(t.Context()))
	if again.Profile() != trust.Admin {
		t.Errorf("came back as %s", again.Profile())
	}
	finished(t, c.holders[bob].s, invited.Address.Token)

	must(t, enrol.DeleteRecovery(t.Context(), again))
	if got := c.state(again); got != enrol.RecoveryDeleted {
		t.Errorf("deleted, it is %s", got)
	}
	if err := enrol.DeleteRecovery(t.Context(), again); !errors.Is(err, enrol.ErrRefused) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := enrol.InviteRecovery(t.Context(), c.holders[bob].s, c.first.User, false); !errors.Is(err, enrol.ErrRefused) {
		t.Errorf("an invitation to a recovery that was deleted: %v", err)
	}
}

// handing is a holder of shares as a flow.
type handing struct {
	c     *circle
	id    trust.UserID
	token trust.AccessToken
	v     *voice
}

func (h *handing) Run(ctx context.Context, _ enrol.Person) (enrol.Result, error) {
	return enrol.Result{}, h.c.handOver(ctx, h.id, h.token, h.v)
}

// TestSharesRefused: what the rules refuse changes nothing on the server.
func TestSharesRefused(t *testing.T) {
	c := newCircle(t, "bob")
	bob := c.users[0]
	for name, bad := range map[string]struct {
		threshold uint8
		shares    map[trust.UserID]uint8
	}{
		"oneself":           {1, map[trust.UserID]uint8{bob: 1, c.first.User: 1}},
		"a stranger":        {1, map[trust.UserID]uint8{bob: 1, trust.NewUserID(): 1}},
		"no share":          {1, map[trust.UserID]uint8{bob: 0}},
		"nobody":            {1, nil},
		"threshold of zero": {0, map[trust.UserID]uint8{bob: 1}},
		"too few":           {3, map[trust.UserID]uint8{bob: 2}},
	} {
		if err := enrol.SetUpRecovery(t.Context(), c.alice, bad.threshold, bad.shares); !errors.Is(err, enrol.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, c.alice.View(func(s *trust.Store) error {
		if u, _ := s.User(c.first.User, trust.DateTime{}.Add(1<<62)); len(u.Devices) != 1 {
			t.Errorf("%d devices", len(u.Devices))
		}
		return nil
	}))
	must(t, enrol.SetUpRecovery(t.Context(), c.alice, 1, map[trust.UserID]uint8{bob: 1}))
	c.front.Clock.Advance(time.Minute)
	must(t, enrol.RevokeUser(t.Context(), c.alice, bob))
	if got := c.state(c.alice); got != enrol.RecoveryUnusable {
		t.Errorf("without bob it is %s", got)
	}
}

// TestRecoveryFile makes a device with a recovery file, on another machine, twice: the file can be used again.
func TestRecoveryFile(t *testing.T) {
	f := newFront(t)
	_, alice, first := bootstrapped(t, f)
	s := alice.session(t, first.Device)
	file, passphrase, err := alice.RecoveryFile(t.Context(), s)
	must(t, err)
	for range 2 {
		a := f.member(t).start()
		lost, err := a.devices.OpenRecovery(t.Context(), file, passphrase)
		must(t, err)
		flow, err := a.Restore(lost)
		must(t, err)
		r, err := flow.Run(t.Context(), &script{name: "again"})
		must(t, err)
		if r.User != first.User || r.Root != first.Root || r.Label.String() != "again's laptop" {
			t.Errorf("restored %+v", r)
		}
		must(t, a.session(t, r.Device).Refresh(t.Context()))
		if left := a.entries(t); len(left) != 0 {
			t.Errorf("the journal still has %+v", left)
		}
	}
	must(t, s.Refresh(t.Context()))
	must(t, s.View(func(all *trust.Store) error {
		u, _ := all.User(first.User, trust.DateTime{}.Add(1<<62))
		purposes := map[trust.Purpose]int{}
		for _, d := range u.Devices {
			purposes[d.PurposeOf()]++
		}
		if purposes[trust.StandardDevice] != 3 || purposes[trust.PassphraseRecovery] != 1 {
			t.Errorf("devices: %v", purposes)
		}
		return nil
	}))
}
