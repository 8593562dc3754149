package events

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

const org = 1

func pinged(t testing.TB, to Audience, text string) *Event {
	t.Helper()
	e, err := New(org, to, &cloud.EventPinged{Ping: text})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// drained returns how many frames wait.
func drained(l *Listener) (n int) {
	for {
		if frame, _ := l.Next(); frame == "" {
			return n
		}
		n++
	}
}

func ended(l *Listener) bool {
	l.broker.mu.Lock()
	defer l.broker.mu.Unlock()
	return l.ended
}

func started(b *Broker, user trust.UserID, p trust.Profile, realms ...trust.RealmID) *Listener {
	l := b.Listen(org, user, trust.NewDeviceID(), nil)
	l.Start(p, realms)
	return l
}

func TestAudiences(t *testing.T) {
	b := NewBroker()
	alice, bob, realm := trust.NewUserID(), trust.NewUserID(), trust.NewRealmID()
	admin, member := started(b, alice, trust.Admin), started(b, bob, trust.Standard, realm)
	stranger := b.Listen(org+1, trust.NewUserID(), trust.NewDeviceID(), nil)
	stranger.Start(trust.Admin, nil)
	for name, c := range map[string]struct {
		to                     Audience
		wantAdmin, wantMembers int
	}{
		"everybody": {Audience{Everybody: true}, 1, 1},
		"admins":    {Audience{Admins: true}, 1, 0},
		"realm":     {Audience{Realm: &realm}, 0, 1},
		"users":     {To(trust.NewUserID(), alice), 1, 0},
		"except":    {Audience{Everybody: true, Except: &member.device}, 1, 0},
		"nobody":    {Audience{}, 0, 0},
	} {
		b.Deliver(pinged(t, c.to, name))
		if a, m := drained(admin), drained(member); a != c.wantAdmin || m != c.wantMembers {
			t.Errorf("%s: the admin gets %d, the member %d", name, a, m)
		}
	}
	b.Deliver(pinged(t, Audience{Realm: &realm}, "").With(Effect{Kind: Leave, User: &bob, Realm: &realm}))
	b.Deliver(pinged(t, Audience{Realm: &realm}, "").With(Effect{Kind: Join, User: &alice, Realm: &realm}))
	b.Deliver(pinged(t, Audience{Realm: &realm}, ""))
	if a, m := drained(admin), drained(member); a != 2 || m != 0 {
		t.Errorf("after moves the admin gets %d, the member %d", a, m)
	}
	if drained(stranger) != 0 {
		t.Error("another organisation hears of it")
	}
}

// TestSlowListenerEnds: nobody waits for one that does not listen.
func TestSlowListenerEnds(t *testing.T) {
	b := NewBroker()
	slow, quick := started(b, trust.NewUserID(), trust.Standard), started(b, trust.NewUserID(), trust.Standard)
	for range maxWaiting {
		b.Deliver(pinged(t, Audience{Everybody: true}, ""))
		drained(quick)
	}
	if ended(slow) {
		t.Fatal("ended too early")
	}
	b.Deliver(pinged(t, Audience{Everybody: true}, ""))
	if !ended(slow) || ended(quick) || b.Count() != 1 {
		t.Errorf("slow %v, quick %v, %d listeners", ended(slow), ended(quick), b.Count())
	}
}

// TestWhoWaitsIsWoken: for each frame and for the end, which comes after what waits; and nobody for what is not theirs.
func TestWhoWaitsIsWoken(t *testing.T) {
	b := NewBroker()
	user, woken := trust.NewUserID(), 0
	l := started(b, user, trust.Standard)
	l.Notify(func() { woken++ })
	b.Deliver(pinged(t, To(user), "1"))
	b.Deliver(pinged(t, To(trust.NewUserID()), "not theirs"))
	b.Deliver(pinged(t, To(user), "2").With(Effect{Kind: Disconnect, User: &user}))
	if woken != 3 {
		t.Errorf("woken %d times", woken)
	}
	l.Close() // once is enough
	for i := range 2 {
		if frame, over := l.Next(); frame == "" || over {
			t.Errorf("frame %d: %q, over %t", i+1, frame, over)
		}
	}
	if frame, over := l.Next(); frame != "" || !over || woken != 3 {
		t.Errorf("after the last: %q, over %t, woken %d times", frame, over, woken)
	}
}

// TestNothingIsMissedWhileConnecting: between registering and starting everything is kept, and judged by what is known then.
func TestNothingIsMissedWhileConnecting(t *testing.T) {
	b := NewBroker()
	user, old, joined := trust.NewUserID(), trust.NewRealmID(), trust.NewRealmID()
	l := b.Listen(org, user, trust.NewDeviceID(), nil)
	b.Deliver(pinged(t, Audience{Realm: &old}, "1"))
	b.Deliver(pinged(t, Audience{Realm: &joined}, "too early"))
	b.Deliver(pinged(t, Audience{Realm: &joined}, "2").With(Effect{Kind: Join, User: &user, Realm: &joined}))
	b.Deliver(pinged(t, Audience{Realm: &joined}, "3"))
	if frames := l.Start(trust.Standard, []trust.RealmID{old}); len(frames) != 3 {
		t.Errorf("%d frames", len(frames))
	}
	patient := b.Listen(org, user, trust.NewDeviceID(), nil)
	for range maxPending + 1 {
		b.Deliver(pinged(t, Audience{}, ""))
	}
	if !ended(patient) {
		t.Error("one that never starts is kept for ever")
	}
}

func TestResumption(t *testing.T) {
	b := NewBroker()
	all := []*Event{}
	for i := range maxReplay + 2 {
		e := pinged(t, Audience{Everybody: true}, fmt.Sprint(i))
		all = append(all, e)
		b.Deliver(e)
	}
	resume := func(id cloud.EventID) []string {
		l := b.Listen(org, trust.NewUserID(), trust.NewDeviceID(), &id)
		defer l.Close()
		return l.Start(trust.Standard, nil)
	}
	if frames := resume(all[1].ID); len(frames) != maxReplay || frames[0] != all[2].Frame {
		t.Errorf("%d frames", len(frames))
	}
	for name, id := range map[string]cloud.EventID{"too many": all[0].ID, "unknown": {1}} {
		if frames := resume(id); len(frames) != 1 || frames[0] != cloud.MissedEventsFrame {
			t.Errorf("%s: %q", name, frames)
		}
	}
	if frames := resume(all[len(all)-1].ID); len(frames) != 0 {
		t.Errorf("%q", frames)
	}
	for range maxKept {
		b.Deliver(pinged(t, Audience{}, ""))
	}
	if len(b.kept) > maxKept {
		t.Errorf("%d events are kept", len(b.kept))
	}
	if frames := resume(all[len(all)-1].ID); len(frames) != 1 || frames[0] != cloud.MissedEventsFrame {
		t.Errorf("%q", frames)
	}
}

func TestEffects(t *testing.T) {
	type told struct {
		org  int64
		user *trust.UserID
	}
	heard := []told{}
	b := NewBroker(func(org int64, user *trust.UserID) { heard = append(heard, told{org, user}) })
	alice, bob := trust.NewUserID(), trust.NewUserID()
	a, o := started(b, alice, trust.Standard), started(b, bob, trust.Standard)
	b.Deliver(Silent(org, Effect{Kind: Forget, User: &alice}))
	b.Committed(Silent(org, Effect{Kind: Disconnect, User: &alice}))
	if ended(a) {
		t.Error("a stream ended before others heard of it")
	}
	b.Deliver(Silent(org, Effect{Kind: Disconnect, User: &alice}))
	if !ended(a) || ended(o) || drained(o) != 0 {
		t.Error("the wrong stream ended, or was told")
	}
	b.Deliver(Silent(org, Effect{Kind: Disconnect}))
	if !ended(o) {
		t.Error("the organisation's stream goes on")
	}
	last := started(b, bob, trust.Standard)
	b.Deliver(store.Gap{})
	if !ended(last) || len(b.kept) != 0 {
		t.Error("a gap changed nothing")
	}
	want := []told{{org, &alice}, {org, &alice}, {org, &alice}, {org, nil}, {0, nil}}
	if !reflect.DeepEqual(heard, want) {
		t.Errorf("watchers heard %+v", heard)
	}
	b.Stop()
	if b.Listen(org, bob, trust.NewDeviceID(), nil) != nil {
		t.Error("a stopped broker takes listeners")
	}
}

// TestLargestEventFits: PostgreSQL carries what the protocol allows.
func TestLargestEventFits(t *testing.T) {
	realm, device, user := trust.NewRealmID(), trust.NewDeviceID(), trust.NewUserID()
	vlob, err := New(1<<62, Audience{Realm: &realm, Except: &device}, &cloud.EventVlob{Blob: make([]byte, 4095)})
	if err != nil {
		t.Fatal(err)
	}
	users := make([]trust.UserID, 255)
	wide, err := New(1<<62, To(users...), &cloud.EventPinged{Ping: strings.Repeat("x", 100)})
	if err != nil {
		t.Fatal(err)
	}
	wide.With(Effect{Kind: Leave, User: &user, Realm: &realm})
	for _, e := range []*Event{vlob, wide} {
		text := e.Encode()
		if len(text) > store.MaxMessage {
			t.Errorf("%d bytes", len(text))
		}
		if back, err := Decode(text); err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%+v came back as %+v: %v", e, back, err)
		}
	}
}

// FuzzDecode: what another process sends is read or refused, and what is read can be sent again.
func FuzzDecode(f *testing.F) {
	f.Add(Silent(org, Effect{Kind: Disconnect}).Encode())
	f.Add(pinged(f, To(trust.NewUserID()), "x").Encode())
	f.Add("{}")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Decode(text)
		if err != nil {
			return
		}
		b := NewBroker()
		started(b, trust.NewUserID(), trust.Admin)
		b.Deliver(m)
		if again, err := Decode(m.Encode()); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%q came back as %+v, %v", text, again, err)
		}
	})
}
