package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// revoking makes a valid revocation wrong.
func revoking(name string, want trust.Reason, change func(o *Organisation, e *Event, c *trust.RevokedUserCertificate)) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		author := o.by(isAdmin)
		e := o.revocation(author, o.somebody(author.User))
		change(o, e, content[*trust.RevokedUserCertificate](e, 0))
		return wrong(e, 0)
	}}
}

// damaged makes the bytes of a valid revocation wrong.
func damaged(name string, damage func(signed []byte) []byte) Forgery {
	return revoking(name, trust.Corrupted, func(_ *Organisation, e *Event, _ *trust.RevokedUserCertificate) { e.Certificates[0].damage = damage })
}

// acting is what a user who fits does.
func acting(name string, want trust.Reason, who func(*User) bool, act func(o *Organisation, author *Device) *Event) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged { return wrong(act(o, o.by(who)), 0) }}
}

func enrols(o *Organisation, author *Device) *Event { return o.enrolment(author, trust.Standard) }

func revokes(o *Organisation, author *Device) *Event {
	return o.revocation(author, o.somebody(author.User))
}

func makesAdmin(o *Organisation, author *Device) *Event {
	u := o.one(func(u *User) bool { return u.Live() && u != author.User && u.Profile != trust.Admin })
	return o.update(author, u, trust.Admin)
}

var userForgeries = []Forgery{
	damaged("content swapped", func(signed []byte) []byte {
		signed[len(signed)-1] ^= 1
		return signed
	}),
	damaged("signature swapped", func(signed []byte) []byte {
		signed[0] ^= 1
		return signed
	}),
	damaged("cut off", func(signed []byte) []byte { return signed[:len(signed)-1] }),
	damaged("something behind", func(signed []byte) []byte { return append(signed, 0) }),
	damaged("signature alone", func(signed []byte) []byte { return signed[:trust.SignatureSize] }),
	damaged("nothing", func([]byte) []byte { return nil }),
	revoking("other signer", trust.Corrupted, func(o *Organisation, e *Event, _ *trust.RevokedUserCertificate) {
		e.Certificates[0].signedBy(o.by(func(u *User) bool { return u != e.Author.User }))
	}),
	revoking("signed by the root key", trust.Corrupted, func(o *Organisation, e *Event, _ *trust.RevokedUserCertificate) { e.Certificates[0].signer = &o.root }),
	revoking("of another topic", trust.Corrupted, func(o *Organisation, e *Event, _ *trust.RevokedUserCertificate) {
		fit(len(o.realms) > 0)
		e.Certificates[0].Content = o.roleCertificate(e.Author, o.realms[0], e.Author.User, trust.Owner)
	}),
	revoking("unknown author", trust.AuthorUnknown, func(o *Organisation, e *Event, c *trust.RevokedUserCertificate) {
		stranger := o.stranger()
		c.Author = stranger.ID
		e.Certificates[0].signedBy(stranger)
	}),
	revoking("older than its author", trust.AuthorNewer, func(_ *Organisation, e *Event, c *trust.RevokedUserCertificate) {
		c.Timestamp = earlier(e.Author.Since)
	}),
	revoking("clock goes back", trust.InvalidTimestamp, func(o *Organisation, e *Event, c *trust.RevokedUserCertificate) {
		c.Timestamp = earlier(o.last[trust.TopicCommon])
		fit(e.Author.Since.Before(c.Timestamp))
	}),
	revoking("clock stands", trust.InvalidTimestamp, func(o *Organisation, _ *Event, c *trust.RevokedUserCertificate) {
		c.Timestamp = o.last[trust.TopicCommon]
	}),
	revoking("revokes nobody", trust.UserUnknown, func(o *Organisation, _ *Event, c *trust.RevokedUserCertificate) { c.UserID = o.id() }),
	revoking("revokes oneself", trust.AuthorSelfSigned, func(_ *Organisation, e *Event, c *trust.RevokedUserCertificate) { c.UserID = e.Author.User.ID }),
	revoking("revoked twice", trust.UserRevoked, func(o *Organisation, _ *Event, c *trust.RevokedUserCertificate) {
		c.UserID = o.one(func(u *User) bool { return u.Revoked }).ID
	}),
	acting("revocation by a standard user", trust.AuthorNotAdmin, isStandard, revokes),
	acting("revocation by an outsider", trust.AuthorNotAdmin, isOutsider, revokes),
	acting("revocation by who was an admin", trust.AuthorNotAdmin, func(u *User) bool {
		return u.Live() && u.Profile != trust.Admin && slices.Contains(u.profiles, trust.Admin)
	}, revokes),
	acting("revocation by a revoked admin", trust.AuthorRevoked, func(u *User) bool { return u.Revoked && u.Profile == trust.Admin }, revokes),
	acting("user by a standard user", trust.AuthorNotAdmin, isStandard, enrols),
	acting("user by an outsider", trust.AuthorNotAdmin, isOutsider, enrols),
	acting("user by a revoked admin", trust.AuthorRevoked, func(u *User) bool { return u.Revoked && u.Profile == trust.Admin }, enrols),
	acting("update by a standard user", trust.AuthorNotAdmin, isStandard, makesAdmin),
	acting("update by a revoked admin", trust.AuthorRevoked, func(u *User) bool { return u.Revoked && u.Profile == trust.Admin }, makesAdmin),
	acting("promotes oneself", trust.AuthorSelfSigned, isStandard, func(o *Organisation, author *Device) *Event {
		return o.update(author, author.User, trust.Admin)
	}),
	acting("demotes oneself", trust.AuthorSelfSigned, isAdmin, func(o *Organisation, author *Device) *Event {
		return o.update(author, author.User, trust.Standard)
	}),
	acting("same profile", trust.AlreadyExists, isAdmin, func(o *Organisation, author *Device) *Event {
		u := o.somebody(author.User)
		return o.update(author, u, u.Profile)
	}),
	acting("update of nobody", trust.UserUnknown, isAdmin, func(o *Organisation, author *Device) *Event {
		return o.update(author, o.stranger().User, trust.Standard)
	}),
	acting("update of a revoked user", trust.UserRevoked, isAdmin, func(o *Organisation, author *Device) *Event {
		u := o.one(func(u *User) bool { return u.Revoked })
		return o.update(author, u, 1+u.Profile%trust.Admin)
	}),
	acting("user by the root key", trust.RootOutsideBootstrap, isAdmin, func(o *Organisation, author *Device) *Event {
		o.next()
		e := o.arrival(UserCreate, nil, trust.Admin)
		e.Author = author
		return e
	}),
	acting("user id again", trust.AlreadyExists, isAdmin, func(o *Organisation, author *Device) *Event {
		e := enrols(o, author)
		id := o.one(anybody).ID
		content[*trust.UserCertificate](e, 0).UserID, content[*trust.DeviceCertificate](e, 1).UserID = id, id
		return e
	}),
	acting("user at the time of another", trust.InvalidTimestamp, isAdmin, func(o *Organisation, author *Device) *Event {
		e := enrols(o, author)
		at := o.last[trust.TopicCommon]
		content[*trust.UserCertificate](e, 0).Timestamp, content[*trust.DeviceCertificate](e, 1).Timestamp = at, at
		return e
	}),
}
