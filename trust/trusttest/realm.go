package trusttest

import (
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// CreateRealm makes a realm of the author's user. It has no key and no name.
func (o *Organisation) CreateRealm(author *Device) *Realm {
	forbid(author.User.Revoked || author.User.Profile == trust.Outsider, "%v creates no realm", author.User.ID)
	e, r := o.creation(author)
	o.record(e)
	return r
}

func (o *Organisation) creation(author *Device) (*Event, *Realm) {
	o.next()
	r := &Realm{ID: o.id(), roles: map[*User]trust.Role{}}
	e := o.inRealm(RealmCreate, author, o.roleCertificate(author, r, author.User, trust.Owner))
	e.after = func() {
		o.realms = append(o.realms, r)
		r.give(author.User, trust.Owner)
	}
	return e, r
}

// inRealm makes an event of one certificate at the time at which the clock is.
func (o *Organisation) inRealm(command Command, author *Device, content trust.RealmCertificate) *Event {
	return &Event{
		Command: command, Author: author, At: o.clock,
		Certificates: []*Certificate{o.certificate(trust.TopicRealm, author, content)}, after: func() {},
	}
}

func (o *Organisation) roleCertificate(author *Device, r *Realm, u *User, role trust.Role) *trust.RealmRoleCertificate {
	return &trust.RealmRoleCertificate{Author: author.ID, Timestamp: o.clock, RealmID: r.ID, UserID: u.ID, Role: role}
}

// Share gives somebody a role, or takes it away.
func (o *Organisation) Share(author *Device, r *Realm, u *User, role trust.Role) *Event {
	old := r.Role(u)
	forbid(!o.mayGive(author.User, r, u, role), "%v does not make %v of %v a %v", author.User.ID, u.ID, r.ID, role)
	forbid(old == role || len(r.Keys) == 0 && role != trust.NoRole, "%v is %v already, or there is no key", u.ID, role)
	return o.record(o.share(author, r, u, role))
}

// mayGive does not look at whether anything changes.
func (o *Organisation) mayGive(author *User, r *Realm, u *User, role trust.Role) bool {
	old, own := r.Role(u), r.Role(author)
	return author != u && !author.Revoked && own.CanGrant(role) && own.CanGrant(old) && (role == trust.NoRole || !u.Revoked && u.Profile.CanHave(role))
}

func (o *Organisation) share(author *Device, r *Realm, u *User, role trust.Role) *Event {
	o.next()
	command := RealmShare
	if role == trust.NoRole {
		command = RealmUnshare
	}
	e := o.inRealm(command, author, o.roleCertificate(author, r, u, role))
	if role != trust.NoRole {
		e.KeyIndex = uint64(len(r.Keys))
		e.RecipientAccess = r.bundleKey.sealed(u)
	}
	e.after = func() { r.give(u, role) }
	return e
}

// Promote makes the author's user an owner of a realm that has no owner who is active.
func (o *Organisation) Promote(author *Device, r *Realm) *Event {
	forbid(!o.mayPromote(author.User, r), "%v does not become owner of %v", author.User.ID, r.ID)
	return o.record(o.promotion(author, r, trust.Owner))
}

// mayPromote is as strict as a server: an owner who is an outsider by now is one still.
func (o *Organisation) mayPromote(u *User, r *Realm) bool {
	own := r.Role(u)
	if u.Revoked || u.Profile == trust.Outsider || own == trust.NoRole || own == trust.Owner {
		return false
	}
	for _, m := range r.members {
		if !m.Revoked && r.roles[m] > own {
			return false
		}
	}
	return true
}

func (o *Organisation) promotion(author *Device, r *Realm, role trust.Role) *Event {
	o.next()
	e := o.inRealm(RealmSelfPromoteToOwner, author, o.roleCertificate(author, r, author.User, role))
	e.after = func() { r.give(author.User, role) }
	return e
}

// Rename gives a realm a name.
func (o *Organisation) Rename(author *Device, r *Realm) *Event {
	o.forbidOwner(author, r)
	forbid(len(r.Keys) == 0, "realm %v has no key", r.ID)
	return o.record(o.naming(author, r, uint64(len(r.Keys))))
}

func (o *Organisation) naming(author *Device, r *Realm, index uint64) *Event {
	o.next()
	content := &trust.RealmNameCertificate{Author: author.ID, Timestamp: o.clock, RealmID: r.ID, KeyIndex: index, EncryptedName: []byte("nobody reads it")}
	if n := len(r.Keys); n > 0 {
		name := must(trust.NewEntryName(fmt.Sprintf("Workspace %d", o.rand.IntN(1000))))
		content.EncryptedName = must(r.Keys[n-1].SealRealmName(name))
	}
	e := o.inRealm(RealmRename, author, content)
	e.InitialName = !r.Named
	e.after = func() { r.Named = true }
	return e
}

// Archive says whether a realm is in use.
func (o *Organisation) Archive(author *Device, r *Realm, c trust.ArchivingConfiguration) *Event {
	o.forbidOwner(author, r)
	return o.record(o.archiving(author, r, c))
}

func (o *Organisation) archiving(author *Device, r *Realm, c trust.ArchivingConfiguration) *Event {
	o.next()
	return o.inRealm(RealmUpdateArchiving, author, &trust.RealmArchivingCertificate{Author: author.ID, Timestamp: o.clock, RealmID: r.ID, Configuration: c})
}

func (o *Organisation) forbidOwner(author *Device, r *Realm) {
	forbid(author.User.Revoked || r.Role(author.User) != trust.Owner, "%v does not own %v", author.User.ID, r.ID)
}
