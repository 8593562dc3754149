package trusttest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

var small = trusttest.Options{Seed: 7, Users: 10, Realms: 3, Events: 120, Step: time.Hour, Sequestered: true}

// story is what happens in a life, without what is random all the same: nonces and RSA.
func story(o *trusttest.Organisation, during func(n int)) []string {
	text := []string{}
	for e := range o.Life() {
		author := trust.DeviceID{}
		if e.Author != nil {
			author = e.Author.ID
		}
		text = append(text, fmt.Sprintln(e.Command, author, e.At, len(e.Certificates), len(e.UserAccess), len(e.ServiceAccess), e.KeyIndex, e.InitialName))
		during(len(text))
	}
	return text
}

func nothing(int) {}

// TestSameLife: the options decide what happens, and forging changes nothing of it.
func TestSameLife(t *testing.T) {
	want := story(trusttest.New(small), nothing)
	if got := story(trusttest.New(small), nothing); !slices.Equal(got, want) {
		t.Error("two lives with the same options differ")
	}
	o := trusttest.New(small)
	forged := 0
	got := story(o, func(n int) {
		if kinds := trusttest.Forgeries(); o.Forge(kinds[n%len(kinds)], uint64(n)) != nil {
			forged++
		}
	})
	if !slices.Equal(got, want) || forged == 0 {
		t.Errorf("the life with %d forgeries is another one", forged)
	}
	other := small
	other.Seed++
	if slices.Equal(story(trusttest.New(other), nothing), want) {
		t.Error("two seeds give one life")
	}
}

// TestLifeIsWhole: a life has every command, stays within its options, and its time only goes on.
func TestLifeIsWhole(t *testing.T) {
	happened := map[trusttest.Command]bool{}
	last := trust.DateTime{}
	o := trusttest.New(trusttest.Options{Seed: 1, Users: 30, Realms: 6, Devices: 2, Events: 400, Step: time.Minute, Sequestered: true})
	for e := range o.Life() {
		happened[e.Command] = true
		if !e.At.After(last) || last != (trust.DateTime{}) && e.At.After(last.Add(time.Minute)) {
			t.Errorf("%s at %v after %v", e.Command, e.At, last)
		}
		last = e.At
		for _, c := range e.Certificates {
			if c.Content.SignedAt() != e.At || len(c.Signed) == 0 {
				t.Errorf("%s has a certificate of %v without bytes, or of another time", e.Command, c.Content.SignedAt())
			}
		}
	}
	for _, command := range []trusttest.Command{
		trusttest.OrganizationBootstrap, trusttest.UserCreate, trusttest.DeviceCreate, trusttest.UserUpdate, trusttest.UserRevoke, trusttest.RealmCreate,
		trusttest.RealmShare, trusttest.RealmUnshare, trusttest.RealmSelfPromoteToOwner, trusttest.RealmRename, trusttest.RealmRotateKey,
		trusttest.RealmUpdateArchiving, trusttest.ShamirRecoverySetup, trusttest.ShamirRecoveryDelete, trusttest.SequesterCreateService, trusttest.SequesterRevokeService,
	} {
		if !happened[command] {
			t.Errorf("%s never happened", command)
		}
	}
	if users, realms := o.Users(), o.Realms(); len(users) != 30 || len(realms) != 6 || len(o.Events()) < 400 {
		t.Errorf("%d users, %d realms, %d events", len(users), len(realms), len(o.Events()))
	}
	for _, u := range o.Users() {
		if len(u.Devices) == 0 || len(u.Devices) > 2 {
			t.Errorf("user %v has %d devices", u.ID, len(u.Devices))
		}
	}
}

// TestForbidden: what the rules forbid cannot be made but by Forge.
func TestForbidden(t *testing.T) {
	o := trusttest.New(small)
	o.Found()
	admin := o.Users()[0].Devices[0]
	u := o.Enrol(admin, trust.Outsider)
	realm := o.CreateRealm(admin)
	for name, act := range map[string]func(){
		"found twice":          func() { o.Found() },
		"enrolled by outsider": func() { o.Enrol(u.Devices[0], trust.Standard) },
		"revoked by oneself":   func() { o.Revoke(admin, admin.User) },
		"same profile":         func() { o.Update(admin, u, trust.Outsider) },
		"realm of an outsider": func() { o.CreateRealm(u.Devices[0]) },
		"shared without a key": func() { o.Share(admin, realm, u, trust.Reader) },
		"name without a key":   func() { o.Rename(admin, realm) },
		"rotated by stranger":  func() { o.Rotate(u.Devices[0], realm) },
		"promotion of owner":   func() { o.Promote(admin, realm) },
		"nothing to delete":    func() { o.DeleteRecovery(admin) },
		"own recipient":        func() { o.SetUpRecovery(admin, admin.User) },
	} {
		events := len(o.Events())
		if !panics(act) || len(o.Events()) != events {
			t.Errorf("%s: it happened", name)
		}
	}
}

func panics(act func()) (did bool) {
	defer func() { did = recover() != nil }()
	act()
	return false
}

// BenchmarkLife makes an organisation of 200 users and 20 realms.
func BenchmarkLife(b *testing.B) {
	n := 0
	for b.Loop() {
		for range trusttest.New(trusttest.Options{Users: 200, Realms: 20, Events: 1000}).Life() {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(n), "µs/event")
}
