package trust

import (
	"errors"
	"fmt"
	"testing"
)

// founded is an organisation with an admin, two more users, an outsider and a realm of the admin.
func founded(t *testing.T) (*organisation, RealmID) {
	t.Helper()
	o := newOrganisation(t)
	o.enrol("", "alice", Admin)
	o.enrol("alice", "bob", Standard)
	o.enrol("alice", "carol", Admin)
	o.enrol("alice", "zack", Outsider)
	realm := NewRealmID()
	o.inRealm("alice", o.role("alice", realm, "alice", Owner))
	o.inRealm("alice", o.rotation("alice", realm, 1))
	o.inRealm("alice", o.named("alice", realm, 1))
	o.inRealm("alice", o.role("alice", realm, "bob", Contributor))
	return o, realm
}

// TestForgeries adds one certificate that breaks one rule to a valid organisation. Nothing of such a batch may stay.
func TestForgeries(t *testing.T) {
	common := func(author string, c func(o *organisation) Certificate) func(*organisation, RealmID) {
		return func(o *organisation, _ RealmID) { o.common(author, c(o)) }
	}
	realm := func(author string, c func(o *organisation, id RealmID) RealmCertificate) func(*organisation, RealmID) {
		return func(o *organisation, id RealmID) { o.inRealm(author, c(o, id)) }
	}
	user := func(author string, change func(*UserCertificate)) func(*organisation, RealmID) {
		return common(author, func(o *organisation) Certificate {
			u, _ := o.userAndDevice(author, "new", Standard)
			change(u)
			return u
		})
	}
	first := func(author string, change func(*organisation, *DeviceCertificate)) func(*organisation, RealmID) {
		return func(o *organisation, _ RealmID) {
			u, d := o.userAndDevice(author, "new", Standard)
			o.common(author, u)
			signer := author
			if change(o, d); d.Author != nil && *d.Author == o.people["carol"].device {
				signer = "carol"
			}
			o.common(signer, d)
		}
	}
	setUp := func(after func(o *organisation, b *ShamirRecoveryBriefCertificate)) func(*organisation, RealmID) {
		return func(o *organisation, _ RealmID) {
			b := o.brief("bob", "alice", "carol")
			o.shamir("bob", b)
			o.shamir("bob", o.shareOf(b, "alice"))
			after(o, b)
		}
	}
	for name, c := range map[string]struct {
		forge func(o *organisation, realm RealmID)
		want  Reason
	}{
		"other signer": {common("carol", func(o *organisation) Certificate { return o.revocation("alice", "bob") }), Corrupted},
		"bytes swapped": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "bob"))
			signed := o.current.Common[0]
			signed[len(signed)-1] ^= 1
		}, Corrupted},
		"of another topic": {func(o *organisation, id RealmID) { o.common("alice", o.role("alice", id, "carol", Reader)) }, Corrupted},
		"unknown author": {func(o *organisation, _ RealmID) {
			o.userAndDevice("alice", "stranger", Admin)
			o.common("stranger", o.revocation("stranger", "bob"))
		}, AuthorUnknown},
		"older than its author": {common("zack", func(o *organisation) Certificate {
			c := o.revocation("zack", "bob")
			c.Timestamp = DateTime{1}
			return c
		}), AuthorNewer},
		"clock goes back": {common("alice", func(o *organisation) Certificate {
			c := o.revocation("alice", "bob")
			c.Timestamp = DateTime{1_700_000_002_000_000}
			return c
		}), InvalidTimestamp},
		"same time":        {user("alice", func(u *UserCertificate) { u.Timestamp = DateTime{1_700_000_004_000_000} }), InvalidTimestamp},
		"user by standard": {user("bob", func(*UserCertificate) {}), AuthorNotAdmin},
		"user by root": {common("", func(o *organisation) Certificate {
			u, _ := o.userAndDevice("", "new", Admin)
			return u
		}), RootOutsideBootstrap},
		"user again": {func(o *organisation, _ RealmID) {
			u, _ := o.userAndDevice("alice", "new", Standard)
			u.UserID = o.people["bob"].user
			o.common("alice", u)
		}, AlreadyExists},
		"revokes oneself":     {common("alice", func(o *organisation) Certificate { return o.revocation("alice", "alice") }), AuthorSelfSigned},
		"promotes oneself":    {common("bob", func(o *organisation) Certificate { return o.update("bob", "bob", Admin) }), AuthorSelfSigned},
		"revocation by other": {common("bob", func(o *organisation) Certificate { return o.revocation("bob", "zack") }), AuthorNotAdmin},
		"same profile":        {common("alice", func(o *organisation) Certificate { return o.update("alice", "bob", Standard) }), AlreadyExists},
		"revocation of nobody": {func(o *organisation, _ RealmID) {
			o.userAndDevice("alice", "x", Standard)
			o.common("alice", o.revocation("alice", "x"))
		}, UserUnknown},
		"revoked twice": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "bob"))
			o.common("alice", o.revocation("alice", "bob"))
		}, UserRevoked},
		"update of revoked": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "bob"))
			o.common("alice", o.update("alice", "bob", Admin))
		}, UserRevoked},
		"revoked author": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "carol"))
			o.common("carol", o.revocation("carol", "bob"))
		}, AuthorRevoked},
		"former admin": {func(o *organisation, _ RealmID) {
			o.common("alice", o.update("alice", "carol", Standard))
			o.common("carol", o.revocation("carol", "bob"))
		}, AuthorNotAdmin},
		"device of revoked": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "bob"))
			o.common("bob", o.furtherDevice("bob", "bob2"))
		}, AuthorRevoked},
		"device id again": {func(o *organisation, _ RealmID) {
			d := o.furtherDevice("bob", "bob2")
			d.DeviceID = o.people["alice"].device
			o.common("bob", d)
		}, AlreadyExists},
		"first device, author": {first("alice", func(o *organisation, d *DeviceCertificate) { d.Author = o.deviceOf("carol") }), FirstDeviceAuthorMismatch},
		"first device, time":   {first("alice", func(o *organisation, d *DeviceCertificate) { d.Timestamp = o.tick() }), FirstDeviceTimestampMismatch},
		"first device, nobody": {first("alice", func(_ *organisation, d *DeviceCertificate) { d.UserID = NewUserID() }), UserUnknown},
		"device of somebody": {func(o *organisation, _ RealmID) {
			d := o.furtherDevice("alice", "x")
			d.UserID = o.people["bob"].user
			o.common("alice", d)
		}, FirstDeviceTimestampMismatch},
		"second first device": {func(o *organisation, _ RealmID) {
			u, d := o.userAndDevice("alice", "x", Standard)
			o.common("alice", u)
			o.common("alice", d)
			e := *d
			e.DeviceID = NewDeviceID()
			o.common("alice", &e)
		}, AlreadyExists},
		"sequester later": {func(o *organisation, _ RealmID) {
			o.current.Sequester = append(o.current.Sequester, o.by("", o.sequestered(o.tick())))
		}, AuthorityNotFirst},
		"service, no authority": {func(o *organisation, _ RealmID) {
			o.sequestered(o.tick())
			o.service(&SequesterRevokedServiceCertificate{Timestamp: o.tick()})
		}, NotSequestered},

		"realm of another": {func(o *organisation, id RealmID) {
			c := o.role("alice", NewRealmID(), "alice", Owner)
			o.current.Realms[id] = [][]byte{o.by("alice", c)}
		}, RealmOther},
		"realm's clock": {realm("alice", func(o *organisation, id RealmID) RealmCertificate {
			c := o.role("alice", id, "carol", Reader)
			c.Timestamp = DateTime{1_700_000_008_000_000}
			return c
		}), InvalidTimestamp},
		"first for other": {realm("alice", func(o *organisation, _ RealmID) RealmCertificate { return o.role("alice", NewRealmID(), "bob", Owner) }), RealmFirstNotSelfSigned},
		"first not owner": {realm("alice", func(o *organisation, _ RealmID) RealmCertificate {
			return o.role("alice", NewRealmID(), "alice", Manager)
		}), RealmFirstNotOwner},
		"first no role":    {realm("alice", func(o *organisation, _ RealmID) RealmCertificate { return o.rotation("alice", NewRealmID(), 1) }), RealmFirstNotRole},
		"outsider's realm": {realm("zack", func(o *organisation, _ RealmID) RealmCertificate { return o.role("zack", NewRealmID(), "zack", Owner) }), RealmOutsider},
		"role by stranger": {realm("carol", func(o *organisation, id RealmID) RealmCertificate { return o.role("carol", id, "zack", Reader) }), RealmAuthorNoRole},
		"role by writer":   {realm("bob", func(o *organisation, id RealmID) RealmCertificate { return o.role("bob", id, "carol", Reader) }), RealmAuthorNotManager},
		"manager by manager": {func(o *organisation, id RealmID) {
			o.inRealm("alice", o.role("alice", id, "bob", Manager))
			o.inRealm("bob", o.role("bob", id, "carol", Manager))
		}, RealmAuthorNotOwner},
		"owner demoted by manager": {func(o *organisation, id RealmID) {
			o.inRealm("alice", o.role("alice", id, "bob", Manager))
			o.inRealm("bob", o.role("bob", id, "alice", Reader))
		}, RealmAuthorNotOwner},
		"same role":        {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.role("alice", id, "bob", Contributor) }), AlreadyExists},
		"none to none":     {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.role("alice", id, "carol", NoRole) }), AlreadyExists},
		"outsider manages": {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.role("alice", id, "zack", Manager) }), RealmOutsider},
		"role for nobody": {realm("alice", func(o *organisation, id RealmID) RealmCertificate {
			o.userAndDevice("alice", "x", Standard)
			return o.role("alice", id, "x", Reader)
		}), UserUnknown},
		"role for revoked": {func(o *organisation, id RealmID) {
			o.common("alice", o.revocation("alice", "carol"))
			o.inRealm("alice", o.role("alice", id, "carol", Reader))
		}, UserRevoked},
		"role by revoked": {func(o *organisation, id RealmID) {
			o.common("carol", o.revocation("carol", "alice"))
			o.inRealm("alice", o.role("alice", id, "carol", Reader))
		}, AuthorRevoked},
		"promotion to less":  {realm("bob", func(o *organisation, id RealmID) RealmCertificate { return o.role("bob", id, "bob", Manager) }), RealmPromotionNotOwner},
		"promotion, not in":  {realm("carol", func(o *organisation, id RealmID) RealmCertificate { return o.role("carol", id, "carol", Owner) }), RealmAuthorNoRole},
		"promotion of owner": {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.role("alice", id, "alice", Owner) }), AlreadyExists},
		"promotion, higher":  {realm("bob", func(o *organisation, id RealmID) RealmCertificate { return o.role("bob", id, "bob", Owner) }), RealmHigherRole},
		"rotation skipped":   {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.rotation("alice", id, 3) }), RealmKeyIndex},
		"rotation repeated":  {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.rotation("alice", id, 1) }), RealmKeyIndex},
		"rotation by writer": {realm("bob", func(o *organisation, id RealmID) RealmCertificate { return o.rotation("bob", id, 2) }), RealmAuthorNotOwner},
		"name by stranger":   {realm("carol", func(o *organisation, id RealmID) RealmCertificate { return o.named("carol", id, 1) }), RealmAuthorNoRole},
		"name, key to come":  {realm("alice", func(o *organisation, id RealmID) RealmCertificate { return o.named("alice", id, 2) }), RealmKeyIndex},
		"name by revoked": {func(o *organisation, id RealmID) {
			o.common("carol", o.revocation("carol", "alice"))
			o.inRealm("alice", o.named("alice", id, 1))
		}, AuthorRevoked},

		"recovery for oneself": {func(o *organisation, _ RealmID) { o.shamir("bob", o.brief("bob", "alice", "bob")) }, ShamirAuthorIsRecipient},
		"recovery of other": {func(o *organisation, _ RealmID) {
			b := o.brief("bob", "alice")
			b.UserID = o.people["carol"].user
			o.shamir("bob", b)
		}, ShamirNotAboutAuthor},
		"recovery of others": {func(o *organisation, _ RealmID) { o.shamir("bob", o.brief("bob", "carol")) }, ShamirUnrelated},
		"recovery by revoked": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "bob"))
			o.shamir("bob", o.brief("bob", "alice"))
		}, AuthorRevoked},
		"revoked recipient": {func(o *organisation, _ RealmID) {
			o.common("alice", o.revocation("alice", "carol"))
			o.shamir("bob", o.brief("bob", "alice", "carol"))
		}, UserRevoked},
		"no share": {func(o *organisation, _ RealmID) { o.shamir("bob", o.brief("bob", "alice")) }, ShamirMissingShare},
		"another first": {func(o *organisation, _ RealmID) {
			o.shamir("bob", o.brief("bob", "alice"))
			o.shamir("carol", o.brief("carol", "alice"))
		}, ShamirMissingShare},
		"share for other": {func(o *organisation, _ RealmID) {
			b := o.brief("bob", "alice", "carol")
			o.shamir("bob", b)
			o.shamir("bob", o.shareOf(b, "carol"))
		}, ShamirUnrelated},
		"share alone":      {func(o *organisation, _ RealmID) { o.shamir("bob", o.shareOf(o.brief("bob", "alice"), "alice")) }, ShamirMissingBrief},
		"share again":      {setUp(func(o *organisation, b *ShamirRecoveryBriefCertificate) { o.shamir("bob", o.shareOf(b, "alice")) }), AlreadyExists},
		"set up twice":     {setUp(func(o *organisation, _ *ShamirRecoveryBriefCertificate) { o.shamir("bob", o.brief("bob", "alice")) }), ShamirAlreadySetUp},
		"deleted by other": {setUp(func(o *organisation, b *ShamirRecoveryBriefCertificate) { o.shamir("carol", o.deletionOf(b, "carol")) }), ShamirNotAboutAuthor},
		"deletes another": {setUp(func(o *organisation, b *ShamirRecoveryBriefCertificate) {
			d := o.deletionOf(b, "bob")
			d.SetupToDeleteTimestamp = d.Timestamp
			o.shamir("bob", d)
		}), ShamirNotLastSetup},
		"deletes, recipients": {setUp(func(o *organisation, b *ShamirRecoveryBriefCertificate) {
			d := o.deletionOf(b, "bob")
			delete(d.ShareRecipients, o.people["carol"].user)
			o.shamir("bob", d)
		}), ShamirRecipientsMismatch},
		"deleted twice": {setUp(func(o *organisation, b *ShamirRecoveryBriefCertificate) {
			o.shamir("bob", o.deletionOf(b, "bob"))
			o.shamir("bob", o.deletionOf(b, "bob"))
		}), ShamirAlreadyDeleted},
	} {
		t.Run(name, func(t *testing.T) {
			o, id := founded(t)
			s := o.store("alice")
			o.accepted(s)
			before := describe(s)
			c.forge(o, id)
			o.refused(s, c.want)
			if after := describe(s); after != before {
				t.Errorf("the refused batch left something:\n%s\nbefore:\n%s", after, before)
			}
			o.clock = o.clock.Add(1e12)
			o.enrol("carol", "dave", Standard)
			o.accepted(s)
		})
	}
}

// describe is everything that a store answers now.
func describe(s *Store) string {
	end := DateTime{maxMicros}
	topics, realms := s.Last()
	text := fmt.Sprintln(topics, realms)
	for _, id := range s.Users() {
		u, _ := s.User(id, end)
		r, _ := s.Recovery(id)
		text += fmt.Sprintln(id, u.Profile, u.Revoked, len(u.Devices), r)
	}
	for _, id := range s.Realms() {
		text += fmt.Sprintln(id, s.Members(id, end), len(s.Rotations(id)), s.Name(id), s.Archiving(id))
	}
	services, sequestered := s.Services()
	return text + fmt.Sprintln(services, sequestered)
}

func TestLifeOfAnOrganisation(t *testing.T) {
	o, realm := founded(t)
	s := o.store("alice")
	o.accepted(s)
	before := o.clock
	o.common("carol", o.revocation("carol", "alice"))
	o.common("carol", o.update("carol", "zack", Standard))
	o.common("bob", o.furtherDevice("bob", "bob2"))
	o.inRealm("bob2", o.role("bob2", realm, "bob", Owner)) // the only one above was revoked
	o.inRealm("bob2", o.role("bob2", realm, "zack", Manager))
	o.inRealm("bob2", o.rotation("bob2", realm, 2))
	o.inRealm("bob2", &RealmArchivingCertificate{
		Author: *o.deviceOf("bob2"), Timestamp: o.tick(), RealmID: realm, Configuration: ArchivingConfiguration{State: Archived},
	})
	o.accepted(s)
	for _, q := range []struct {
		name string
		at   DateTime
		want Reason
	}{
		{"alice", before, 0},
		{"alice", o.clock, AuthorRevoked},
		{"bob2", before, AuthorNewer},
		{"bob2", o.clock, 0},
	} {
		_, err := s.Writer(realm, o.people[q.name].device, q.at)
		refusal := &RefusalError{}
		if errors.As(err, &refusal) && refusal.Reason != q.want || (err == nil) != (q.want == 0) {
			t.Errorf("%s at %v: %v", q.name, q.at, err)
		}
	}
	if _, err := s.Writer(realm, o.people["carol"].device, o.clock); !errors.Is(err, ErrForbidden) {
		t.Errorf("a stranger to the realm can write: %v", err)
	}
	if n := len(s.Rotations(realm)); n != 2 {
		t.Errorf("%d rotations", n)
	}
	if got := s.Archiving(realm).State; got != Archived {
		t.Errorf("state %v", got)
	}
	if got := s.Role(realm, o.people["zack"].user, before); got != NoRole {
		t.Errorf("role %v before it was given", got)
	}
	if u, ok := s.User(o.people["bob"].user, before); !ok || len(u.Devices) != 1 {
		t.Errorf("%v, %v before the second device", u, ok)
	}
}

func TestSequester(t *testing.T) {
	o := newOrganisation(t)
	u, d := o.userAndDevice("", "alice", Admin)
	authority := o.sequestered(u.Timestamp)
	o.current.Sequester = append(o.current.Sequester, o.by("", authority))
	id := SequesterServiceID{1}
	o.service(&SequesterServiceCertificate{Timestamp: o.tick(), ServiceID: id, ServiceLabel: "backup", EncryptionKeyDER: authority.VerifyKeyDER})
	o.common("", u)
	o.common("", d)
	s := o.store("alice")
	o.accepted(s)
	if services, sequestered := s.Services(); len(services) != 1 || !sequestered {
		t.Fatalf("%v, %v", services, sequestered)
	}
	o.service(&SequesterRevokedServiceCertificate{Timestamp: o.tick(), ServiceID: SequesterServiceID{2}})
	o.refused(s, ServiceUnknown)
	o.service(&SequesterRevokedServiceCertificate{Timestamp: o.tick(), ServiceID: id})
	o.accepted(s)
	o.service(&SequesterRevokedServiceCertificate{Timestamp: o.tick(), ServiceID: id})
	o.refused(s, ServiceAlreadyRevoked)
	o.service(&SequesterServiceCertificate{Timestamp: DateTime{1}, EncryptionKeyDER: authority.VerifyKeyDER})
	o.refused(s, InvalidTimestamp)
	o.sequestered(o.tick()) // another authority signs
	o.service(&SequesterServiceCertificate{Timestamp: o.tick(), EncryptionKeyDER: authority.VerifyKeyDER})
	o.refused(s, Corrupted)

	mixed := newOrganisation(t)
	mixed.current.Sequester = append(mixed.current.Sequester, mixed.by("", mixed.sequestered(mixed.tick())))
	mixed.enrol("", "alice", Admin)
	mixed.refused(mixed.store("alice"), RootTimestampMismatch)
}

// TestRedactionSwitch: whoever becomes an outsider, or ceases to be one, fetches everything again.
func TestRedactionSwitch(t *testing.T) {
	o, _ := founded(t)
	s := o.store("bob")
	o.accepted(s)
	o.common("alice", o.update("alice", "bob", Outsider))
	if err := s.Add(o.batch()); !errors.Is(err, ErrRedaction) {
		t.Fatal(err)
	}
	if len(s.Users()) != 0 || len(s.Realms()) != 0 {
		t.Error("certificates are left")
	}
}

// keeper fails when told to.
type keeper struct {
	fail    error
	entries []Entry
	cleared bool
}

func (k *keeper) Keep(entries []Entry) error {
	k.entries = append(k.entries, entries...)
	return k.fail
}

func (k *keeper) Clear() error {
	k.cleared = true
	return nil
}

// TestKeeper: what cannot be stored is not accepted, and what was stored gives the same store again.
func TestKeeper(t *testing.T) {
	o, _ := founded(t)
	k := &keeper{fail: errors.New("disk full")}
	s := NewStore(must(o.root.VerifyKey()), o.people["alice"].user, k)
	batch := o.batch()
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
	stored := Batch{Realms: map[RealmID][][]byte{}}
	for _, e := range k.entries {
		switch e.Topic {
		case TopicCommon:
			stored.Common = append(stored.Common, e.Signed)
		case TopicRealm:
			stored.Realms[e.Realm] = append(stored.Realms[e.Realm], e.Signed)
		case TopicSequester, TopicShamir:
			t.Errorf("an entry of topic %v", e.Topic)
		}
	}
	again := NewStore(must(o.root.VerifyKey()), o.people["alice"].user, nil)
	if err := again.Add(stored); err != nil || len(again.Users()) != len(s.Users()) {
		t.Errorf("%v, %d users", err, len(again.Users()))
	}
}
