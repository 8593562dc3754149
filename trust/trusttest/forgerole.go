package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// giving is a role that somebody who fits gives to somebody else who fits.
func giving(name string, want trust.Reason, by func(*Realm, *User) bool, to func(*Realm, *User) bool, role trust.Role) Forgery {
	return inRealm(name, want, by, func(o *Organisation, author *Device, r *Realm) *Event {
		return o.share(author, r, o.one(func(u *User) bool { return u != author.User && to(r, u) }), role)
	})
}

// promoting is what somebody who fits does with the own role.
func promoting(name string, want trust.Reason, who func(*Realm, *User) bool, role trust.Role) Forgery {
	return inRealm(name, want, who, func(o *Organisation, author *Device, r *Realm) *Event { return o.promotion(author, r, role) })
}

func newcomer(r *Realm, u *User) bool {
	return u.Live() && u.Profile != trust.Outsider && r.Role(u) == trust.NoRole
}

func outsiderIn(r *Realm, u *User) bool { return isOutsider(u) && r.Role(u) < trust.Manager }

// revokedIn are revoked users with a role, and giving them another breaks this rule alone.
func revokedIn(_ *Realm, u *User) bool { return u.Revoked && u.Profile != trust.Outsider }

func wasIn(r *Realm, u *User) bool { return u.Live() && slices.Contains(r.former, u) }

// below are those above whom nobody may promote themself: somebody has more, who is active and no outsider.
func below(r *Realm, u *User) bool {
	return u.Live() && u.Profile != trust.Outsider && r.Role(u) != trust.NoRole && slices.ContainsFunc(r.members, func(m *User) bool {
		return m.Live() && m.Profile != trust.Outsider && r.Role(m) > r.Role(u)
	})
}

// highestOutsider is an outsider whom nobody but the profile keeps from being an owner.
func highestOutsider(r *Realm, u *User) bool {
	return isOutsider(u) && r.Role(u) != trust.NoRole && r.Role(u) != trust.Owner && !slices.ContainsFunc(r.members, func(m *User) bool {
		return m.Live() && r.Role(m) > r.Role(u)
	})
}

// highestRevoked is a revoked user whom nothing else keeps from being an owner.
func highestRevoked(r *Realm, u *User) bool {
	return u.Revoked && r.Role(u) != trust.NoRole && r.Role(u) != trust.Owner && !slices.ContainsFunc(r.members, func(m *User) bool {
		return m.Live() && r.Role(m) > r.Role(u)
	})
}

var roleForgeries = []Forgery{
	giving("role by a stranger", trust.RealmAuthorNoRole, with(trust.NoRole), newcomer, trust.Reader),
	giving("role by a former member", trust.RealmAuthorNoRole, wasIn, newcomer, trust.Reader),
	giving("role by a reader", trust.RealmAuthorNotManager, with(trust.Reader), newcomer, trust.Reader),
	giving("role by a contributor", trust.RealmAuthorNotManager, with(trust.Contributor), newcomer, trust.Contributor),
	giving("role by a revoked owner", trust.AuthorRevoked, revokedOwner, newcomer, trust.Reader),
	giving("manager made by a manager", trust.RealmAuthorNotOwner, with(trust.Manager), newcomer, trust.Manager),
	giving("owner made by a manager", trust.RealmAuthorNotOwner, with(trust.Manager), newcomer, trust.Owner),
	giving("manager made by a reader", trust.RealmAuthorNotOwner, with(trust.Reader), newcomer, trust.Manager),
	giving("owner demoted by a manager", trust.RealmAuthorNotOwner, with(trust.Manager), with(trust.Owner), trust.Reader),
	giving("owner removed by a manager", trust.RealmAuthorNotOwner, with(trust.Manager), with(trust.Owner), trust.NoRole),
	giving("manager removed by a manager", trust.RealmAuthorNotOwner, with(trust.Manager), with(trust.Manager), trust.NoRole),
	giving("reader removed by a contributor", trust.RealmAuthorNotManager, with(trust.Contributor), with(trust.Reader), trust.NoRole),
	giving("same role", trust.AlreadyExists, with(trust.Owner), with(trust.Contributor), trust.Contributor),
	giving("no role taken away", trust.AlreadyExists, with(trust.Owner), newcomer, trust.NoRole),
	giving("outsider manages", trust.RealmOutsider, with(trust.Owner), outsiderIn, trust.Manager),
	giving("outsider owns", trust.RealmOutsider, with(trust.Owner), outsiderIn, trust.Owner),
	giving("role for a revoked user", trust.UserRevoked, with(trust.Owner), func(r *Realm, u *User) bool { return revokedIn(r, u) && r.Role(u) == trust.NoRole }, trust.Reader),
	giving("other role for a revoked user", trust.UserRevoked, with(trust.Owner), func(r *Realm, u *User) bool { return revokedIn(r, u) && r.Role(u) > trust.Reader }, trust.Reader),
	inRealm("role for nobody", trust.UserUnknown, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		return o.share(author, r, o.stranger().User, trust.Reader)
	}),
	inRealm("role before the user came", trust.UserNewer, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		u := o.one(func(u *User) bool { return r.last.Before(earlier(u.Since)) })
		fit(!author.Since.After(r.last))
		return at(o.share(author, r, u, trust.Reader), later(r.last))
	}),
	inRealm("role, clock goes back", trust.InvalidTimestamp, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		fit(author.Since.Before(earlier(r.last)))
		u := o.one(func(u *User) bool { return u != author.User && newcomer(r, u) })
		return at(o.share(author, r, u, trust.Reader), earlier(r.last))
	}),
	inRealm("role, other signer", trust.Corrupted, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		u := o.one(func(u *User) bool { return u != author.User && newcomer(r, u) })
		e := o.share(author, r, u, trust.Manager)
		e.Certificates[0].signedBy(o.deviceOf(u))
		return e
	}),
	inRealm("role of an unknown author", trust.AuthorUnknown, with(trust.Owner), func(o *Organisation, author *Device, r *Realm) *Event {
		e := o.share(author, r, o.one(func(u *User) bool { return u != author.User && newcomer(r, u) }), trust.Reader)
		stranger := o.stranger()
		content[*trust.RealmRoleCertificate](e, 0).Author = stranger.ID
		e.Certificates[0].signedBy(stranger)
		return e
	}),
	promoting("promotion to manager", trust.RealmPromotionNotOwner, with(trust.Contributor), trust.Manager),
	promoting("owner gives up the own role", trust.RealmPromotionNotOwner, with(trust.Owner), trust.NoRole),
	promoting("promotion of a stranger", trust.RealmAuthorNoRole, with(trust.NoRole), trust.Owner),
	promoting("promotion of a former member", trust.RealmAuthorNoRole, wasIn, trust.Owner),
	promoting("promotion of an owner", trust.AlreadyExists, with(trust.Owner), trust.Owner),
	promoting("promotion below somebody", trust.RealmHigherRole, below, trust.Owner),
	promoting("promotion of an outsider", trust.RealmOutsider, highestOutsider, trust.Owner),
	promoting("promotion of a revoked user", trust.UserRevoked, highestRevoked, trust.Owner),
}
