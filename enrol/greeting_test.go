package enrol_test

import (
	"context"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// outcome is how a flow ended.
type outcome struct {
	enrol.Result
	err error
}

// both runs two flows side by side.
func both(ctx context.Context, claimer, greeter enrol.Flow, c, g enrol.Person) (claimed, greeted outcome) {
	var all sync.WaitGroup
	all.Go(func() { claimed.Result, claimed.err = claimer.Run(ctx, c) })
	all.Go(func() { greeted.Result, greeted.err = greeter.Run(ctx, g) })
	all.Wait()
	return claimed, greeted
}

// TestEverybody bootstraps an organisation, and enrols a user, who enrols a device.
func TestEverybody(t *testing.T) {
	f := newFront(t)
	_, alice, first := bootstrapped(t, f)
	if first.Profile != trust.Admin || first.Human.Email.String() != "alice@example.com" {
		t.Errorf("bootstrapped as %+v", first)
	}
	s := alice.session(t, first.Device)

	invited, err := enrol.InviteUser(t.Context(), s, servertest.Must(trust.NewEmailAddress("bob@example.com")), false)
	must(t, err)
	bob := f.member(t).start()
	claimer, err := bob.Claim(&invited.Address)
	must(t, err)
	v := newVoice()
	b, a := &script{name: "bob", say: v}, &script{name: "alice", say: v, profile: trust.Outsider}
	claimed, greeted := both(t.Context(), claimer, alice.Greet(s, invited.Address.Token), b, a)
	if claimed.err != nil || greeted.err != nil {
		t.Fatalf("claimer: %v\ngreeter: %v\n%s\n%s", claimed.err, greeted.err, b.history(), a.history())
	}
	if claimed.Result != greeted.Result || claimed.Root != first.Root || claimed.Profile != trust.Outsider || claimed.Human.Email.String() != "bob@example.com" {
		t.Errorf("claimed %+v\ngreeted %+v", claimed, greeted)
	}
	finished(t, s, invited.Address.Token)

	bobs := bob.session(t, claimed.Device)
	must(t, bobs.Refresh(t.Context()))
	more, err := enrol.InviteDevice(t.Context(), bobs, false)
	must(t, err)
	phone := f.member(t).start()
	claimer, err = phone.Claim(&more.Address)
	must(t, err)
	v = newVoice()
	p, b := &script{name: "phone", say: v}, &script{name: "bob", say: v}
	claimed2, greeted := both(t.Context(), claimer, bob.Greet(bobs, more.Address.Token), p, b)
	if claimed2.err != nil || greeted.err != nil {
		t.Fatalf("claimer: %v\ngreeter: %v\n%s\n%s", claimed2.err, greeted.err, p.history(), b.history())
	}
	if claimed2.User != claimed.User || claimed2.Device == claimed.Device || claimed2.Label.String() != "phone's laptop" {
		t.Errorf("claimed %+v", claimed2)
	}
	must(t, phone.session(t, claimed2.Device).Refresh(t.Context()))
	for _, a := range []*agent{alice, bob, phone} {
		if left := a.entries(t); len(left) > 0 {
			t.Errorf("left in a journal: %+v", left)
		}
		must(t, onlyDevices(a))
	}
}

// onlyDevices wants no reservation to be left.
func onlyDevices(a *agent) error {
	_, bad, err := a.devices.List()
	if err == nil && len(bad) > 0 {
		return bad[0].Err
	}
	return err
}

// finished wants an invitation to be marked as used.
func finished(t testing.TB, s *session.Session, token trust.AccessToken) {
	t.Helper()
	i, err := enrol.FindInvitation(t.Context(), s, token)
	must(t, err)
	if i.Status != "FINISHED" {
		t.Errorf("the invitation is %s", i.Status)
	}
}
