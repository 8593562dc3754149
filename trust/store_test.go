package trust_test

import (
	"errors"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// founded is an organisation of an admin, two more users, an outsider and a realm of the admin.
type founded struct {
	*trusttest.Organisation
	alice, bob, carol, zack *trusttest.User
	realm                   *trusttest.Realm
}

func found(options trusttest.Options) *founded {
	f := &founded{Organisation: trusttest.New(options)}
	f.Found()
	f.alice = f.Users()[0]
	admin := f.alice.Devices[0]
	f.bob, f.carol, f.zack = f.Enrol(admin, trust.Standard), f.Enrol(admin, trust.Admin), f.Enrol(admin, trust.Outsider)
	f.realm = f.CreateRealm(admin)
	f.Rotate(admin, f.realm)
	f.Rename(admin, f.realm)
	f.Share(admin, f.realm, f.bob, trust.Contributor)
	return f
}

// add gives a store what is new for a user.
func (f *founded) add(t *testing.T, s *trust.Store, self *trusttest.User) {
	t.Helper()
	if err := s.Add(f.Stream(self).Since(s.Last())); err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfAnOrganisation(t *testing.T) {
	f := found(trusttest.Options{})
	s := f.Store(f.bob)
	f.add(t, s, f.bob)
	before, realm := f.Now(), f.realm.ID
	alice, bob, carol := f.alice.Devices[0], f.bob.Devices[0], f.carol.Devices[0]
	f.Revoke(carol, f.alice)
	f.Update(carol, f.zack, trust.Standard)
	bob2 := f.AddDevice(bob)
	f.Promote(bob2, f.realm) // the only one above was revoked
	f.Share(bob2, f.realm, f.zack, trust.Manager)
	f.Rotate(bob2, f.realm)
	f.Archive(bob2, f.realm, trust.ArchivingConfiguration{State: trust.Archived})
	f.add(t, s, f.bob)
	for _, q := range []struct {
		device *trusttest.Device
		at     trust.DateTime
		want   trust.Reason
	}{
		{alice, before, 0},
		{alice, f.Now(), trust.AuthorRevoked},
		{bob2, before, trust.AuthorNewer},
		{bob2, f.Now(), 0},
	} {
		_, err := s.Writer(realm, q.device.ID, q.at)
		refusal := &trust.RefusalError{}
		if errors.As(err, &refusal) && refusal.Reason != q.want || (err == nil) != (q.want == 0) {
			t.Errorf("%v at %v: %v", q.device.ID, q.at, err)
		}
	}
	if _, err := s.Writer(realm, carol.ID, f.Now()); !errors.Is(err, trust.ErrForbidden) {
		t.Errorf("a stranger to the realm can write: %v", err)
	}
	if n := len(s.Rotations(realm)); n != 2 {
		t.Errorf("%d rotations", n)
	}
	if got := s.Archiving(realm).State; got != trust.Archived {
		t.Errorf("state %v", got)
	}
	if got := s.Role(realm, f.zack.ID, before); got != trust.NoRole {
		t.Errorf("role %v before it was given", got)
	}
	if u, ok := s.User(f.bob.ID, before); !ok || len(u.Devices) != 1 {
		t.Errorf("%v, %v before the second device", u, ok)
	}
}

func TestSequester(t *testing.T) {
	f := found(trusttest.Options{Sequestered: true})
	s := f.Store(f.alice)
	service := f.AddService()
	f.add(t, s, f.alice)
	if services, sequestered := s.Services(); len(services) != 1 || services[0].ServiceID != service.ID || !sequestered {
		t.Fatalf("%v, %v", services, sequestered)
	}
	f.RevokeService(service)
	f.add(t, s, f.alice)
	if services, sequestered := s.Services(); len(services) != 0 || !sequestered {
		t.Fatalf("%v, %v", services, sequestered)
	}
}

// TestRedactionSwitch: whoever becomes an outsider, or ceases to be one, fetches everything again.
func TestRedactionSwitch(t *testing.T) {
	f := found(trusttest.Options{})
	s := f.Store(f.bob)
	f.add(t, s, f.bob)
	for _, c := range []struct {
		profile trust.Profile
		shown   bool
	}{{trust.Outsider, false}, {trust.Admin, true}} {
		f.Update(f.alice.Devices[0], f.bob, c.profile)
		if err := s.Add(f.Stream(f.bob).Since(s.Last())); !errors.Is(err, trust.ErrRedaction) {
			t.Fatal(err)
		}
		if len(s.Users()) != 0 || len(s.Realms()) != 0 {
			t.Error("certificates are left")
		}
		f.add(t, s, f.bob)
		u, _ := s.User(f.alice.ID, f.Now())
		if shown := u.Certificate.HumanHandle != nil && u.Devices[0].DeviceLabel != nil; shown != c.shown {
			t.Errorf("an %v sees names: %v", c.profile, shown)
		}
	}
}

// keeper fails when told to.
type keeper struct {
	fail    error
	entries []trust.Entry
}

func (k *keeper) Keep(entries []trust.Entry) error {
	k.entries = append(k.entries, entries...)
	return k.fail
}

func (k *keeper) Clear() error {
	k.entries = nil
	return nil
}

// TestKeeper: what cannot be stored is not accepted, and what was stored gives the same store again.
func TestKeeper(t *testing.T) {
	f := found(trusttest.Options{})
	k := &keeper{fail: errors.New("disk full")}
	s := trust.NewStore(f.Root(), f.alice.ID, k)
	batch := f.Stream(f.alice).Batch()
	if err := s.Add(batch); !errors.Is(err, k.fail) {
		t.Fatal(err)
	}
	if len(s.Users()) != 0 {
		t.Error("a batch that was not stored is there")
	}
	*k = keeper{}
	if err := s.Add(batch); err != nil {
		t.Fatal(err)
	}
	stored := trust.Batch{Realms: map[trust.RealmID][][]byte{}}
	for _, e := range k.entries {
		switch e.Topic {
		case trust.TopicCommon:
			stored.Common = append(stored.Common, e.Signed)
		case trust.TopicRealm:
			stored.Realms[e.Realm] = append(stored.Realms[e.Realm], e.Signed)
		case trust.TopicSequester, trust.TopicShamir:
			t.Errorf("an entry of topic %v", e.Topic)
		}
	}
	again := f.Store(f.alice)
	if err := again.Add(stored); err != nil || describe(again) != describe(s) {
		t.Errorf("%v\n%s\n%s", err, describe(again), describe(s))
	}
}
