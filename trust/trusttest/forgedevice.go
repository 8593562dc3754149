package trusttest

import "github.com/seed-73b3884f/parsec-agent/trust"

// firstDevice makes the device of a new user wrong.
func firstDevice(name string, want trust.Reason, change func(o *Organisation, e *Event, d *trust.DeviceCertificate)) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		e := enrols(o, o.by(isAdmin))
		change(o, e, content[*trust.DeviceCertificate](e, 1))
		return wrong(e, len(e.Certificates)-1)
	}}
}

// deviceFor lets somebody make a device of somebody else.
func deviceFor(name string, want trust.Reason, who func(*User) bool, whose func(author *Device, u *User) bool) Forgery {
	return acting(name, want, who, func(o *Organisation, author *Device) *Event {
		u := o.one(func(u *User) bool { return u.Live() && u != author.User && whose(author, u) })
		e, _ := o.furtherDevice(author)
		content[*trust.DeviceCertificate](e, 0).UserID = u.ID
		return e
	})
}

var deviceForgeries = []Forgery{
	firstDevice("first device by another admin", trust.FirstDeviceAuthorMismatch, func(o *Organisation, e *Event, d *trust.DeviceCertificate) {
		other := o.by(func(u *User) bool { return isAdmin(u) && u != e.Author.User })
		d.Author = &other.ID
		e.Certificates[1].signedBy(other)
	}),
	firstDevice("first device by the root key", trust.FirstDeviceAuthorMismatch, func(o *Organisation, e *Event, d *trust.DeviceCertificate) {
		d.Author, e.Certificates[1].signer = nil, &o.root
	}),
	firstDevice("first device at another time", trust.FirstDeviceTimestampMismatch, func(o *Organisation, _ *Event, d *trust.DeviceCertificate) { d.Timestamp = o.next() }),
	firstDevice("first device of nobody", trust.UserUnknown, func(o *Organisation, _ *Event, d *trust.DeviceCertificate) { d.UserID = o.id() }),
	firstDevice("first device, id again", trust.AlreadyExists, func(o *Organisation, _ *Event, d *trust.DeviceCertificate) { d.DeviceID = o.by(anybody).ID }),
	{Name: "first device twice", Want: trust.AlreadyExists, forge: func(o *Organisation) *Forged {
		e := enrols(o, o.by(isAdmin))
		again := *content[*trust.DeviceCertificate](e, 1)
		again.DeviceID = o.id()
		e.Certificates = append(e.Certificates, o.certificate(trust.TopicCommon, e.Author, &again))
		f := wrong(e, 2)
		f.ByServer = true
		return f
	}},
	acting("device of a revoked user", trust.AuthorRevoked, func(u *User) bool { return u.Revoked }, func(o *Organisation, author *Device) *Event {
		e, _ := o.furtherDevice(author)
		return e
	}),
	acting("device id again", trust.AlreadyExists, (*User).Live, func(o *Organisation, author *Device) *Event {
		e, _ := o.furtherDevice(author)
		content[*trust.DeviceCertificate](e, 0).DeviceID = o.by(anybody).ID
		return e
	}),
	acting("device at the time of another", trust.InvalidTimestamp, (*User).Live, func(o *Organisation, author *Device) *Event {
		e, _ := o.furtherDevice(author)
		content[*trust.DeviceCertificate](e, 0).Timestamp = o.last[trust.TopicCommon]
		return e
	}),
	acting("device older than its author", trust.AuthorNewer, (*User).Live, func(o *Organisation, author *Device) *Event {
		e, _ := o.furtherDevice(author)
		content[*trust.DeviceCertificate](e, 0).Timestamp = earlier(author.Since)
		return e
	}),
	deviceFor("device of somebody by who enrolled them", trust.FirstDeviceTimestampMismatch, isAdmin, func(author *Device, u *User) bool { return u.enroller == author }),
	deviceFor("device of somebody by an admin", trust.FirstDeviceAuthorMismatch, isAdmin, func(author *Device, u *User) bool { return u.enroller != author }),
	deviceFor("device of an admin by a standard user", trust.AuthorNotAdmin, isStandard, func(_ *Device, u *User) bool { return u.Profile == trust.Admin }),
}
