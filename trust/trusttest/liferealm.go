package trusttest

import "github.com/seed-73b3884f/parsec-agent/trust"

func (o *Organisation) someRealm() *Event {
	u := pick(o, o.users, func(u *User) bool { return u.Live() && u.Profile != trust.Outsider })
	if len(o.realms) >= o.options.Realms || u == nil {
		return nil
	}
	e, _ := o.creation(o.deviceOf(u))
	return o.record(e)
}

// workInRealm does what is due in a realm, or anything.
func (o *Organisation) workInRealm() *Event {
	r := pick(o, o.realms, func(*Realm) bool { return true })
	if r == nil {
		return nil
	}
	owner := pick(o, r.members, func(u *User) bool { return u.Live() && r.Role(u) == trust.Owner })
	if owner == nil {
		return o.somePromotion(r)
	}
	by := o.deviceOf(owner)
	switch n := o.rand.IntN(20); {
	case len(r.Keys) == 0:
		return o.Rotate(by, r)
	case !r.Named:
		return o.Rename(by, r)
	case n < 14:
		return o.someRole(r)
	case n < 17:
		return o.Rotate(by, r)
	case n < 18:
		return o.Rename(by, r)
	}
	return o.Archive(by, r, o.someArchiving())
}

func (o *Organisation) somePromotion(r *Realm) *Event {
	u := pick(o, r.members, func(u *User) bool { return o.mayPromote(u, r) })
	if u == nil {
		return nil
	}
	return o.Promote(o.deviceOf(u), r)
}

// someRole changes a role: those of members as often as not, and those of revoked members are taken away.
func (o *Organisation) someRole(r *Realm) *Event {
	role := trust.Role(o.rand.IntN(int(trust.Owner) + 1))
	people := o.users
	if o.dice(50) {
		people = r.members
	}
	u := pick(o, people, func(u *User) bool { return r.Role(u) != role })
	if u == nil {
		return nil
	}
	if u.Revoked {
		role = trust.NoRole
	}
	if r.Role(u) == role {
		return nil
	}
	author := pick(o, r.members, func(m *User) bool { return o.mayGive(m, r, u, role) })
	if author == nil {
		return nil
	}
	return o.Share(o.deviceOf(author), r, u, role)
}

func (o *Organisation) someArchiving() trust.ArchivingConfiguration {
	switch o.rand.IntN(3) {
	case 0:
		return trust.ArchivingConfiguration{State: trust.Available}
	case 1:
		return trust.ArchivingConfiguration{State: trust.Archived}
	}
	return trust.ArchivingConfiguration{State: trust.DeletionPlanned, DeletionDate: o.clock.Add(o.options.Step + deletionPeriod)}
}
