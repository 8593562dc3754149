package trusttest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Found makes the first user, an admin, with one device.
func (o *Organisation) Found() *Event {
	forbid(len(o.users) > 0, "the organisation is founded already")
	return o.record(o.founding())
}

// founding has the time at which the clock is.
func (o *Organisation) founding() *Event {
	e := o.arrival(OrganizationBootstrap, nil, trust.Admin)
	if o.sequester {
		o.authority = authority()
		content := &trust.SequesterAuthorityCertificate{Timestamp: o.clock, VerifyKeyDER: rsaKeys()[0].public}
		e.Certificates = slices.Insert(e.Certificates, 0, o.certificate(trust.TopicSequester, nil, content))
	}
	return e
}

// Enrol makes a user whom the device of an admin lets in, with one device.
func (o *Organisation) Enrol(author *Device, profile trust.Profile) *User {
	forbid(author.User.Revoked || author.User.Profile != trust.Admin, "%v enrols nobody", author.ID)
	e := o.enrolment(author, profile)
	o.record(e)
	return o.users[len(o.users)-1]
}

func (o *Organisation) enrolment(author *Device, profile trust.Profile) *Event {
	o.next()
	return o.arrival(UserCreate, author, profile)
}

// arrival makes user and device at the time at which the clock is.
func (o *Organisation) arrival(command Command, author *Device, profile trust.Profile) *Event {
	u := o.newUser(author, profile)
	d := o.newDevice(u)
	user := &trust.UserCertificate{
		Author: idOf(author), Timestamp: o.clock, UserID: u.ID, HumanHandle: &u.Handle, PublicKey: u.Public, Profile: profile,
	}
	return &Event{
		Command: command, Author: author, At: o.clock, Certificates: []*Certificate{
			o.certificate(trust.TopicCommon, author, user), o.certificate(trust.TopicCommon, author, o.deviceCertificate(author, d)),
		},
		after: func() {
			o.users = append(o.users, u)
			o.known[u.ID] = u
			u.Devices = append(u.Devices, d)
		},
	}
}

func (o *Organisation) newUser(enroller *Device, profile trust.Profile) *User {
	u := &User{ID: o.id(), Profile: profile, Since: o.clock, enroller: enroller, profiles: []trust.Profile{profile}}
	name := fmt.Sprintf("user%d", len(o.users))
	// Who was revoked may come back as somebody else.
	email := name
	if i := slices.IndexFunc(o.users, func(old *User) bool { return old.Revoked && !o.taken(old.Handle) }); i >= 0 {
		email, _, _ = strings.Cut(o.users[i].Handle.Email.String(), "@")
	}
	u.Handle = must(trust.NewHumanHandle(email+"@example.com", "User "+name))
	u.Private = must(trust.NewPrivateKey(o.bytes(trust.KeySize)))
	u.Public = must(u.Private.Public())
	return u
}

// taken reports whether somebody who is not revoked has the address.
func (o *Organisation) taken(h trust.HumanHandle) bool {
	return slices.ContainsFunc(o.users, func(u *User) bool { return !u.Revoked && u.Handle.Equal(h) })
}

func (o *Organisation) newDevice(u *User) *Device {
	d := &Device{ID: o.id(), User: u, Since: o.clock, Label: must(trust.NewDeviceLabel(fmt.Sprintf("device %d", len(u.Devices))))}
	d.Signing = must(trust.NewSigningKey(o.bytes(trust.KeySize)))
	return d
}

func (o *Organisation) deviceCertificate(author, d *Device) *trust.DeviceCertificate {
	return &trust.DeviceCertificate{
		Purpose: trust.StandardDevice, Author: idOf(author), Timestamp: o.clock, UserID: d.User.ID, DeviceID: d.ID,
		DeviceLabel: &d.Label, VerifyKey: must(d.Signing.VerifyKey()),
	}
}

// AddDevice makes another device of the author's user.
func (o *Organisation) AddDevice(author *Device) *Device {
	forbid(author.User.Revoked, "%v is revoked", author.User.ID)
	e, d := o.furtherDevice(author)
	o.record(e)
	return d
}

func (o *Organisation) furtherDevice(author *Device) (*Event, *Device) {
	o.next()
	d := o.newDevice(author.User)
	return &Event{
		Command: DeviceCreate, Author: author, At: o.clock,
		Certificates: []*Certificate{o.certificate(trust.TopicCommon, author, o.deviceCertificate(author, d))},
		after:        func() { d.User.Devices = append(d.User.Devices, d) },
	}, d
}

// Revoke ends a user.
func (o *Organisation) Revoke(author *Device, u *User) *Event {
	o.forbidOnOther(author, u)
	return o.record(o.revocation(author, u))
}

func (o *Organisation) revocation(author *Device, u *User) *Event {
	content := &trust.RevokedUserCertificate{Author: author.ID, Timestamp: o.next(), UserID: u.ID}
	return &Event{
		Command: UserRevoke, Author: author, At: o.clock,
		Certificates: []*Certificate{o.certificate(trust.TopicCommon, author, content)},
		after:        func() { u.Revoked = true },
	}
}

// Update gives a user another profile.
func (o *Organisation) Update(author *Device, u *User, profile trust.Profile) *Event {
	o.forbidOnOther(author, u)
	forbid(u.Profile == profile, "%v is %v already", u.ID, profile)
	return o.record(o.update(author, u, profile))
}

func (o *Organisation) update(author *Device, u *User, profile trust.Profile) *Event {
	content := &trust.UserUpdateCertificate{Author: author.ID, Timestamp: o.next(), UserID: u.ID, NewProfile: profile}
	return &Event{
		Command: UserUpdate, Author: author, At: o.clock,
		Certificates: []*Certificate{o.certificate(trust.TopicCommon, author, content)},
		after: func() {
			u.Profile = profile
			u.profiles = append(u.profiles, profile)
		},
	}
}

func (o *Organisation) forbidOnOther(author *Device, u *User) {
	forbid(author.User == u || u.Revoked || author.User.Revoked || author.User.Profile != trust.Admin, "%v does nothing to %v", author.User.ID, u.ID)
}

func idOf(d *Device) *trust.DeviceID {
	if d == nil {
		return nil
	}
	return &d.ID
}
