package enrol_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// meeting is an organisation with an administrator who greets, and somebody who was invited.
type meeting struct {
	t       *testing.T
	f       *front
	alice   *agent
	s       *session.Session
	invited *enrol.Invited
	guest   *member
	voice   *voice
	c, g    *script
}

func meet(t *testing.T, kind trust.InvitationType) *meeting {
	t.Helper()
	t.Parallel()
	return meetOn(t, newFront(t), kind)
}

func meetOn(t *testing.T, f *front, kind trust.InvitationType) *meeting {
	t.Helper()
	_, alice, r := bootstrapped(t, f)
	m := &meeting{t: t, f: f, alice: alice, s: alice.session(t, r.Device), voice: newVoice()}
	m.invite(kind)
	return m
}

// invite invites bob, or another device of alice.
func (m *meeting) invite(kind trust.InvitationType) {
	m.t.Helper()
	var err error
	if kind == trust.InviteUser {
		m.invited, err = enrol.InviteUser(m.t.Context(), m.s, email("bob"), false)
	} else {
		m.invited, err = enrol.InviteDevice(m.t.Context(), m.s, false)
	}
	must(m.t, err)
	m.guest = m.f.member(m.t)
	m.c, m.g = &script{name: "bob", say: m.voice}, &script{name: "alice", say: m.voice}
}

func email(name string) trust.EmailAddress {
	return servertest.Must(trust.NewEmailAddress(name + "@example.com"))
}

// run runs both sides, each in a life of its own.
func (m *meeting) run() (claimed, greeted outcome) {
	ctx, cancel := context.WithTimeout(m.t.Context(), patient)
	defer cancel()
	return m.runAs(ctx, ctx)
}

func (m *meeting) runAs(ctxC, ctxG context.Context) (claimed, greeted outcome) {
	m.t.Helper()
	claimer, err := m.guest.start().Claim(&m.invited.Address)
	must(m.t, err)
	var all sync.WaitGroup
	all.Go(func() { claimed.Result, claimed.err = claimer.Run(ctxC, m.c) })
	all.Go(func() { greeted.Result, greeted.err = m.alice.Greet(m.s, m.invited.Address.Token).Run(ctxG, m.g) })
	all.Wait()
	return claimed, greeted
}

// good runs both sides and wants them to agree.
func (m *meeting) good() enrol.Result {
	m.t.Helper()
	claimed, greeted := m.run()
	if claimed.err != nil || greeted.err != nil {
		m.t.Fatalf("claimer: %v\ngreeter: %v\n%s\n%s", claimed.err, greeted.err, m.c.history(), m.g.history())
	}
	usable(m.t, m.guest.start(), claimed.Result)
	finished(m.t, m.s, m.invited.Address.Token)
	return greeted.Result
}

// instead has a person answer questions of one type in another way; other is nil for the usual one.
func instead[Q enrol.Question](other func(Q) (enrol.Answer, error)) func(context.Context, enrol.Question) (enrol.Answer, error) {
	return func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		if own, ok := q.(Q); ok {
			return other(own)
		}
		return nil, nil //nolint:nilnil // as usual
	}
}

// TestCorrected has the greeter change everything that was asked for.
func TestCorrected(t *testing.T) {
	m := meet(t, trust.InviteUser)
	handle, label := servertest.Must(trust.NewHumanHandle("robert@example.com", "Robert")), servertest.Must(trust.NewDeviceLabel("desk"))
	confirmed := 0
	m.g.on = func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
		switch q := q.(type) {
		case enrol.Correct:
			if q.Details.Human.Email != email("bob") || q.Invited != email("bob") || q.Details.Profile != trust.Standard {
				t.Errorf("asked for is %+v", q)
			}
			return enrol.Details{Human: &handle, Label: label, Profile: trust.Admin}, nil
		case enrol.Confirm:
			confirmed++
			if q.What != enrol.ConfirmAddress {
				t.Errorf("to confirm is %+v", q)
			}
		}
		return nil, nil //nolint:nilnil // as usual
	}
	r := m.good()
	if r.Human != handle || r.Label != label || r.Profile != trust.Admin || confirmed != 1 {
		t.Errorf("certified is %+v, confirmed %d times", r, confirmed)
	}
}

// TestTakenAddress has the greeter give an address that somebody has.
func TestTakenAddress(t *testing.T) {
	m := meet(t, trust.InviteUser)
	taken, asked := servertest.Must(trust.NewHumanHandle("alice@example.com", "Bob")), 0
	m.g.on = instead(func(q enrol.Correct) (enrol.Answer, error) {
		asked++
		if asked == 1 {
			return enrol.Details{Human: &taken, Label: q.Details.Label, Profile: trust.Standard}, nil
		}
		if wire.StatusOf(q.Wrong) != wire.StatusAlreadyExists {
			t.Errorf("wrong is %v", q.Wrong)
		}
		free := servertest.Must(trust.NewHumanHandle("bob@example.com", "Bob"))
		return enrol.Details{Human: &free, Label: q.Details.Label, Profile: trust.Standard}, nil
	})
	if r := m.good(); r.Human.Email != email("bob") || asked != 2 {
		t.Errorf("asked %d times: %+v", asked, r)
	}
}

// TestIncompleteAnswers gives answers that lack something, or do not go with their questions.
func TestIncompleteAnswers(t *testing.T) {
	m := meet(t, trust.InviteUser)
	var wrong []error
	m.c.on = instead(func(q enrol.Correct) (enrol.Answer, error) {
		switch wrong = append(wrong, q.Wrong); len(wrong) {
		case 1:
			return enrol.Details{}, nil
		case 2:
			return enrol.Details{Label: servertest.Must(trust.NewDeviceLabel("laptop")), Human: q.Details.Human}, nil
		}
		handle := servertest.Must(trust.NewHumanHandle("bob@example.com", "Bob"))
		return enrol.Details{Label: servertest.Must(trust.NewDeviceLabel("laptop")), Human: &handle}, nil
	})
	m.good()
	if len(wrong) != 3 || wrong[0] != nil || !errors.Is(wrong[1], enrol.ErrAnswer) || !errors.Is(wrong[2], enrol.ErrAnswer) {
		t.Errorf("wrong was %v", wrong)
	}
	m.invite(trust.InviteDevice)
	m.c.on = instead(func(enrol.ChooseProtection) (enrol.Answer, error) { return enrol.Said{}, nil })
	flow, err := m.guest.start().Claim(&m.invited.Address)
	must(t, err)
	if _, err := flow.Run(t.Context(), m.c); !errors.Is(err, enrol.ErrAnswer) || len(m.guest.start().entries(t)) > 0 {
		t.Errorf("another answer: %v", err)
	}
}

// TestProtectionThatDoesNotDo is asked for again.
func TestProtectionThatDoesNotDo(t *testing.T) {
	m := meet(t, trust.InviteDevice)
	asked := 0
	m.c.on = instead(func(q enrol.ChooseProtection) (enrol.Answer, error) {
		if asked++; asked == 1 {
			return enrol.Protection{Protection: device.Protection{Provider: "nobody"}}, nil
		}
		if q.Wrong == nil {
			t.Error("it is not said what was wrong")
		}
		return enrol.Protection{Protection: device.Protection{Provider: "token"}}, nil
	})
	m.good()
}

// TestCancelled has a side cancel at each question: the other one is told, and asked whether to go on.
func TestCancelled(t *testing.T) {
	m := meet(t, trust.InviteUser)
	for _, c := range []struct {
		by enrol.Side
		at enrol.Kind
	}{
		{enrol.SideClaimer, enrol.KindCorrect},
		{enrol.SideClaimer, enrol.KindChooseProtection},
		{enrol.SideClaimer, enrol.KindChooseCode},
		{enrol.SideClaimer, enrol.KindSayCode},
		{enrol.SideGreeter, enrol.KindSayCode},
		{enrol.SideGreeter, enrol.KindChooseCode},
		{enrol.SideGreeter, enrol.KindCorrect},
	} {
		t.Run(string(c.by)+" "+string(c.at), func(t *testing.T) {
			m.t = t
			m.invite(trust.InviteUser)
			canceller, other := m.c, m.g
			if c.by == enrol.SideGreeter {
				canceller, other = m.g, m.c
			}
			ctx, stop := context.WithTimeout(t.Context(), patient)
			defer stop()
			canceller.on = func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
				if q.Kind() == c.at {
					return nil, enrol.ErrCancelled
				}
				return nil, nil //nolint:nilnil // as usual
			}
			told := make(chan enrol.Notice, 100)
			other.told = func(n enrol.Notice) { told <- n }
			other.on = instead(func(q enrol.Confirm) (enrol.Answer, error) { return enrol.Decision{}, nil })
			early := c.at == enrol.KindCorrect && c.by == enrol.SideClaimer || c.at == enrol.KindChooseProtection
			if early { // the greeter never sees anybody
				flow, err := m.guest.start().Claim(&m.invited.Address)
				must(t, err)
				if _, err := flow.Run(ctx, m.c); !errors.Is(err, enrol.ErrCancelled) {
					t.Errorf("ended with %v", err)
				}
			} else {
				claimed, greeted := m.runAs(ctx, ctx)
				if !errors.Is(claimed.err, enrol.ErrCancelled) || !errors.Is(greeted.err, enrol.ErrCancelled) {
					t.Errorf("claimer: %v\ngreeter: %v", claimed.err, greeted.err)
				}
				if !heardOf(told, cloud.CancelledManuallyCancelled, c.by) {
					t.Errorf("nobody told the other side: %s", other.history())
				}
			}
			if left := m.alice.entries(t); len(left) > 0 {
				t.Errorf("the greeter has %+v", left)
			}
			for _, e := range m.guest.start().entries(t) {
				if e.Stage != enrol.StageAsked || c.at != enrol.KindCorrect {
					t.Errorf("the claimer has %+v", e)
				}
				must(t, m.guest.start().GiveUp(t.Context(), e.ID, nil))
			}
			if files := reservations(t, m.guest); len(files) > 0 {
				t.Errorf("left are %q", files)
			}
		})
	}
}

// heardOf reports whether a notice told of the end of an attempt.
func heardOf(told chan enrol.Notice, reason cloud.CancelledGreetingAttemptReason, by enrol.Side) bool {
	for {
		select {
		case n := <-told:
			if n.Event == enrol.EventAttemptOver && n.Reason == reason && n.By == by {
				return true
			}
		default:
			return false
		}
	}
}

// reservations are keys on disk that are no device.
func reservations(t testing.TB, m *member) (names []string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Join(m.dir, "devices"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range all {
		if !strings.HasSuffix(e.Name(), ".keys") {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestWrongCodes has people hear wrong codes, until there were too many attempts.
func TestWrongCodes(t *testing.T) {
	m := meet(t, trust.InviteDevice)
	choose := func(q enrol.ChooseCode) (enrol.Answer, error) { return enrol.Code{}, nil }
	m.c.on = instead(choose)
	told := make(chan enrol.Notice, 1000)
	m.g.told = func(n enrol.Notice) { told <- n }
	claimed, greeted := m.run()
	if !errors.Is(claimed.err, enrol.ErrAttempts) && !errors.Is(greeted.err, enrol.ErrAttempts) {
		t.Errorf("claimer: %v\ngreeter: %v", claimed.err, greeted.err)
	}
	if !heardOf(told, cloud.CancelledInvalidSasCode, enrol.SideClaimer) {
		t.Errorf("the greeter heard %s", m.g.history())
	}
	if left := append(m.alice.entries(t), m.guest.start().entries(t)...); len(left) > 0 {
		t.Errorf("left are %+v", left)
	}
}

// TestLostKeys has the claimer lose everything after the certificates were made. The greeter is asked, and the second time it works.
func TestLostKeys(t *testing.T) {
	for _, kind := range []trust.InvitationType{trust.InviteUser, trust.InviteDevice} {
		t.Run(string(kind), func(t *testing.T) {
			m := meet(t, kind)
			ctx, kill := context.WithCancelCause(t.Context())
			m.g.told = func(n enrol.Notice) {
				if n.Event == enrol.EventCertified {
					kill(errKilled)
				}
			}
			claimed, greeted := m.runAs(ctx, ctx)
			if claimed.err == nil || greeted.err == nil || len(m.alice.entries(t)) != 1 {
				t.Fatalf("it was not interrupted: %v, %v", claimed.err, greeted.err)
			}
			before := m.alice.entries(t)[0]
			m.guest = m.f.member(t)
			m.c, m.g = &script{name: "bob", say: m.voice}, &script{name: "alice", say: m.voice}
			asked := false
			m.g.on = func(_ context.Context, q enrol.Question) (enrol.Answer, error) {
				if c, ok := q.(enrol.Confirm); ok && c.What == enrol.ConfirmReplace {
					asked = true
				}
				return nil, nil //nolint:nilnil // yes
			}
			r := m.good()
			if !asked || r.Replaced != *before.Device || r.Device == *before.Device {
				t.Errorf("replaced %v, before was %+v", r.Replaced, before)
			}
			left := m.alice.entries(t)
			if kind == trust.InviteUser {
				if !revoked(t, m.s, *before.User) || len(left) > 0 {
					t.Errorf("the user who was lost is not revoked, left is %+v", left)
				}
				return
			}
			if len(left) != 1 || left[0].Stage != enrol.StageLeft || *left[0].Device != *before.Device {
				t.Fatalf("left is %+v", left)
			}
			if _, err := m.alice.Continue(left[0].ID, m.s); !errors.Is(err, enrol.ErrLost) {
				t.Errorf("it can be continued: %v", err)
			}
			must(t, m.alice.GiveUp(t.Context(), left[0].ID, m.s))
		})
	}
}

func revoked(t testing.TB, s *session.Session, id trust.UserID) (is bool) {
	t.Helper()
	must(t, s.Refresh(t.Context()))
	must(t, s.View(func(c *trust.Store) error {
		topics, _ := c.Last()
		u, _ := c.User(id, topics[trust.TopicCommon])
		is = u.Revoked
		return nil
	}))
	return is
}

// TestGivenUp gives up what the greeter has certified and nobody has claimed.
func TestGivenUp(t *testing.T) {
	m := meet(t, trust.InviteUser)
	ctx, kill := context.WithCancelCause(t.Context())
	m.g.told = func(n enrol.Notice) {
		if n.Event == enrol.EventCertified {
			kill(errKilled)
		}
	}
	m.runAs(ctx, ctx)
	e := m.alice.entries(t)[0]
	if err := m.alice.GiveUp(t.Context(), e.ID, nil); wire.StatusOf(err) != wire.StatusBadState {
		t.Errorf("without a session: %v", err)
	}
	must(t, m.alice.GiveUp(t.Context(), e.ID, m.s))
	if !revoked(t, m.s, *e.User) || len(m.alice.entries(t)) > 0 {
		t.Error("the user is not revoked, or the entry stays")
	}
	if err := m.alice.GiveUp(t.Context(), e.ID, m.s); !errors.Is(err, enrol.ErrNoEntry) {
		t.Errorf("twice: %v", err)
	}
}

// TestAnyAdministrator has a claimer wait for two administrators, or for one of them.
func TestAnyAdministrator(t *testing.T) {
	m := meet(t, trust.InviteUser)
	must(t, enrol.CancelInvitation(t.Context(), m.s, m.invited.Address.Token))
	var err error
	m.invited, err = enrol.InviteUser(t.Context(), m.s, email("carol"), false)
	must(t, err)
	carol := m.guest
	m.c.name, m.g.profile = "carol", trust.Admin
	r := m.good()
	cs := carol.start().session(t, r.Device)
	for _, chosen := range []trust.UserID{{}, r.User} {
		m.invite(trust.InviteUser)
		offered := 0
		m.c.on = instead(func(q enrol.ChooseGreeter) (enrol.Answer, error) {
			offered = len(q.Greeters)
			return enrol.Greeter{User: chosen}, nil
		})
		flow, err := m.guest.start().Claim(&m.invited.Address)
		must(t, err)
		claimed, greeted := both(t.Context(), flow, carol.start().Greet(cs, m.invited.Address.Token), m.c, &script{name: "carol", say: m.voice})
		if claimed.err != nil || greeted.err != nil || offered != 2 {
			t.Fatalf("%d offered; claimer: %v\ngreeter: %v", offered, claimed.err, greeted.err)
		}
		must(t, enrol.RevokeUser(t.Context(), m.s, claimed.User))
	}
}

func TestInvitations(t *testing.T) {
	m := meet(t, trust.InviteUser)
	again, err := enrol.InviteUser(t.Context(), m.s, email("bob"), true)
	must(t, err)
	if !again.Address.Token.Equal(m.invited.Address.Token) {
		t.Error("a second invitation for the same address")
	}
	if _, err := enrol.InviteUser(t.Context(), m.s, email("alice"), false); wire.StatusOf(err) != wire.StatusAlreadyExists {
		t.Errorf("an address that is taken: %v", err)
	}
	browser, native, err := enrol.Links(&m.invited.Address)
	must(t, err)
	for _, link := range []string{browser, native} {
		a, ok := servertest.Must(trust.ParseAction(link)).(*trust.InvitationAddress)
		if !ok || !a.Token.Equal(m.invited.Address.Token) || a.Server != m.invited.Address.Server {
			t.Errorf("%s is %+v", link[:20], a)
		}
	}
	all, err := enrol.Invitations(t.Context(), m.s)
	if err != nil || len(all) != 1 || all[0].Email != email("bob") || all[0].Status != cloud.InvitationIsPending {
		t.Errorf("listed are %+v, %v", all, err)
	}
	for range 2 {
		must(t, enrol.CancelInvitation(t.Context(), m.s, m.invited.Address.Token))
	}
	if err := enrol.CancelInvitation(t.Context(), m.s, trust.GenerateAccessToken()); !errors.Is(err, enrol.ErrInvitation) {
		t.Errorf("an unknown one: %v", err)
	}
	if _, err := m.alice.Greet(m.s, m.invited.Address.Token).Run(t.Context(), m.g); !errors.Is(err, enrol.ErrInvitation) {
		t.Errorf("greeting on a cancelled one: %v", err)
	}
	flow, err := m.guest.start().Claim(&m.invited.Address)
	must(t, err)
	if _, err := flow.Run(t.Context(), m.c); !errors.Is(err, cloud.ErrInvitationGone) || len(m.guest.start().entries(t)) > 0 {
		t.Errorf("claiming a cancelled one: %v", err)
	}
}

func TestUsers(t *testing.T) {
	m := meet(t, trust.InviteUser)
	r := m.good()
	bob := m.guest.start()
	bs := bob.session(t, r.Device)
	must(t, enrol.UpdateProfile(t.Context(), m.s, r.User, trust.Outsider))
	if err := enrol.UpdateProfile(t.Context(), m.s, r.User, trust.Outsider); wire.StatusOf(err) != wire.StatusAlreadyExists {
		t.Errorf("the same profile: %v", err)
	}
	must(t, enrol.UpdateProfile(t.Context(), m.s, r.User, trust.Standard))
	for what, err := range map[string]error{
		"revoke oneself": enrol.RevokeUser(t.Context(), m.s, m.s.User()), "no administrator": enrol.RevokeUser(t.Context(), bs, m.s.User()),
		"no administrator invites": second(enrol.InviteUser(t.Context(), bs, email("carol"), false)),
	} {
		if wire.StatusOf(err) != wire.StatusNotPermitted {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := enrol.RevokeUser(t.Context(), m.s, trust.NewUserID()); wire.StatusOf(err) != wire.StatusDoesNotExist {
		t.Errorf("nobody: %v", err)
	}
	must(t, enrol.RevokeUser(t.Context(), m.s, r.User))
	if err := enrol.RevokeUser(t.Context(), m.s, r.User); wire.StatusOf(err) != wire.StatusBadState {
		t.Errorf("revoked twice: %v", err)
	}
	if err := bs.Refresh(t.Context()); !errors.Is(err, cloud.ErrUserRevoked) {
		t.Errorf("the revoked one gets %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestSecretsAreNotShown wants no password or token in what can be printed.
func TestRedaction(t *testing.T) {
	p := enrol.Protection{Protection: device.Protection{Password: []byte("hunter2")}}
	s := enrol.Secret{Secret: device.Secret{Password: []byte("hunter2")}}
	for _, text := range []string{sprint(p), sprint(s), sprint(&p), sprint([]any{p, s})} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "104 117") {
			t.Errorf("shown is %s", text)
		}
	}
	if !slices.Contains(enrol.WorkBootstrap.Values(), enrol.WorkGreetDevice) {
		t.Error("a work is missing")
	}
}
