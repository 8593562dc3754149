package trusttest

import (
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// in returns a realm and one of all users who fit together; the realm has keys.
func (o *Organisation) in(fits func(r *Realm, u *User) bool) (*Realm, *Device) {
	type place struct {
		r *Realm
		u *User
	}
	places := []place{}
	for _, r := range o.realms {
		for _, u := range o.users {
			if len(r.Keys) > 0 && fits(r, u) {
				places = append(places, place{r, u})
			}
		}
	}
	fit(len(places) > 0)
	p := places[o.rand.IntN(len(places))]
	return p.r, o.deviceOf(p.u)
}

// with are the users who have the role now, and are active.
func with(role trust.Role) func(*Realm, *User) bool {
	return func(r *Realm, u *User) bool { return u.Live() && r.Role(u) == role }
}

func revokedOwner(r *Realm, u *User) bool { return u.Revoked && r.Role(u) == trust.Owner }

// acts is one of the acts that owners do.
type acts struct {
	name string
	do   func(o *Organisation, author *Device, r *Realm) *Event
}

var ownersActs = []acts{
	{"rotation", func(o *Organisation, author *Device, r *Realm) *Event {
		return o.rotation(author, r, uint64(len(r.Keys))+1)
	}},
	{"name", func(o *Organisation, author *Device, r *Realm) *Event {
		return o.naming(author, r, uint64(len(r.Keys)))
	}},
	{"archiving", func(o *Organisation, author *Device, r *Realm) *Event {
		return o.archiving(author, r, trust.ArchivingConfiguration{State: trust.Archived})
	}},
}

// realmForgeries are about what owners do, and about new realms.
var realmForgeries = func() (all []Forgery) {
	for _, act := range ownersActs {
		for _, who := range []struct {
			name string
			fits func(*Realm, *User) bool
			want trust.Reason
		}{
			{"a stranger", with(trust.NoRole), trust.RealmAuthorNoRole},
			{"a reader", with(trust.Reader), trust.RealmAuthorNotOwner},
			{"a contributor", with(trust.Contributor), trust.RealmAuthorNotOwner},
			{"a manager", with(trust.Manager), trust.RealmAuthorNotOwner},
			{"a revoked owner", revokedOwner, trust.AuthorRevoked},
		} {
			all = append(all, inRealm(act.name+" by "+who.name, who.want, who.fits, act.do))
		}
		all = append(all,
			inRealm(act.name+", clock stands", trust.InvalidTimestamp, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
				fit(author.Since.Before(r.last))
				return at(act.do(o, author, r), r.last)
			}),
			newRealm(act.name+" is the first of a realm", trust.RealmFirstNotRole, func(o *Organisation, author *Device, r *Realm) *Event { return act.do(o, author, r) }))
	}
	return append(all, keyForgeries...)
}()

// at gives the only certificate another time.
func at(e *Event, t trust.DateTime) *Event {
	switch c := e.Certificates[0].Content.(type) {
	case *trust.RealmRoleCertificate:
		c.Timestamp = t
	case *trust.RealmKeyRotationCertificate:
		c.Timestamp = t
	case *trust.RealmNameCertificate:
		c.Timestamp = t
	case *trust.RealmArchivingCertificate:
		c.Timestamp = t
	}
	return e
}

// inRealm is what somebody who fits does.
func inRealm(name string, want trust.Reason, fits func(*Realm, *User) bool, act func(o *Organisation, author *Device, r *Realm) *Event) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		r, author := o.in(fits)
		return wrong(act(o, author, r), 0)
	}}
}

// newRealm is what somebody who could create a realm does first in one.
func newRealm(name string, want trust.Reason, act func(o *Organisation, author *Device, r *Realm) *Event) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		author := o.by(func(u *User) bool { return u.Live() && u.Profile != trust.Outsider })
		return wrong(act(o, author, &Realm{ID: o.id(), roles: map[*User]trust.Role{}}), 0)
	}}
}

func indexed(change func(n uint64) uint64, do func(o *Organisation, author *Device, r *Realm, index uint64) *Event) func(*Organisation, *Device, *Realm) *Event {
	return func(o *Organisation, author *Device, r *Realm) *Event {
		return do(o, author, r, change(uint64(len(r.Keys))))
	}
}

var keyForgeries = []Forgery{
	inRealm("key index skipped", trust.RealmKeyIndex, with(trust.Owner), indexed(func(n uint64) uint64 { return n + 2 }, (*Organisation).rotation)),
	inRealm("key index repeated", trust.RealmKeyIndex, with(trust.Owner), indexed(func(n uint64) uint64 { return n }, (*Organisation).rotation)),
	inRealm("key index zero", trust.RealmKeyIndex, with(trust.Owner), indexed(func(uint64) uint64 { return 0 }, (*Organisation).rotation)),
	inRealm("name with a key to come", trust.RealmKeyIndex, with(trust.Owner), indexed(func(n uint64) uint64 { return n + 1 }, (*Organisation).naming)),
	inRealm("name without a key", trust.RealmKeyIndex, with(trust.Owner), indexed(func(uint64) uint64 { return 0 }, (*Organisation).naming)),
	inRealm("rotation, bytes swapped", trust.Corrupted, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		e := ownersActs[0].do(o, author, r)
		e.Certificates[0].damage = func(signed []byte) []byte {
			signed[trust.SignatureSize-1] ^= 1
			return signed
		}
		return e
	}),
	inRealm("rotation, other signer", trust.Corrupted, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		e := ownersActs[0].do(o, author, r)
		e.Certificates[0].signedBy(o.by(func(u *User) bool { return u != author.User }))
		return e
	}),
	inRealm("rotation older than its author", trust.AuthorNewer, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		return at(ownersActs[0].do(o, author, r), earlier(author.Since))
	}),
	{Name: "in the list of another realm", Want: trust.RealmOther, forge: func(o *Organisation) *Forged {
		r, author := o.in(with(trust.Owner))
		other := pick(o, o.realms, func(other *Realm) bool { return other != r })
		fit(other != nil)
		f := wrong(o.rotation(author, r, uint64(len(r.Keys))+1), 0)
		f.Bad.Realm, f.ByServer = other.ID, true
		return f
	}},
	newRealm("realm for somebody else", trust.RealmFirstNotSelfSigned, func(o *Organisation, author *Device, r *Realm) *Event {
		return o.inRealm(RealmCreate, author, o.roleIn(author, r, o.somebody(author.User), trust.Owner))
	}),
	newRealm("realm of a manager", trust.RealmFirstNotOwner, func(o *Organisation, author *Device, r *Realm) *Event {
		return o.inRealm(RealmCreate, author, o.roleIn(author, r, author.User, trust.Manager))
	}),
	newRealm("realm of nobody", trust.RealmFirstNotOwner, func(o *Organisation, author *Device, r *Realm) *Event {
		return o.inRealm(RealmCreate, author, o.roleIn(author, r, author.User, trust.NoRole))
	}),
	acting("realm of an outsider", trust.RealmOutsider, isOutsider, func(o *Organisation, author *Device) *Event {
		e, _ := o.creation(author)
		return e
	}),
	acting("realm of a revoked user", trust.UserRevoked, func(u *User) bool { return u.Revoked }, func(o *Organisation, author *Device) *Event {
		e, _ := o.creation(author)
		return e
	}),
}

// roleIn makes a certificate a moment later.
func (o *Organisation) roleIn(author *Device, r *Realm, u *User, role trust.Role) *trust.RealmRoleCertificate {
	o.next()
	return o.roleCertificate(author, r, u, role)
}

// later is a moment after.
func later(at trust.DateTime) trust.DateTime { return at.Add(time.Microsecond) }
