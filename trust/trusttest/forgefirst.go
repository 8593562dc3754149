package trusttest

import (
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Forgeries of the foundation, and of certificates against their redacted form.

var foundingForgeries = []Forgery{
	{Name: "founder of another root key", Want: trust.Corrupted, forge: func(o *Organisation) *Forged {
		e := o.founder()
		stranger := o.stranger()
		for _, c := range e.Certificates {
			c.signedBy(stranger)
		}
		return wrong(e, 0)
	}},
	{Name: "founder's device of another root key", Want: trust.Corrupted, forge: func(o *Organisation) *Forged {
		e := o.founder()
		i := len(e.Certificates) - 1
		e.Certificates[i].signedBy(o.stranger())
		return wrong(e, i)
	}},
	{Name: "founder's device at another time", Want: trust.FirstDeviceTimestampMismatch, forge: func(o *Organisation) *Forged {
		e := o.founder()
		i := len(e.Certificates) - 1
		content[*trust.DeviceCertificate](e, i).Timestamp = o.next()
		return wrong(e, i)
	}},
	{Name: "authority at another time", Want: trust.RootTimestampMismatch, forge: func(o *Organisation) *Forged {
		fit(o.sequester)
		e := o.founder()
		content[*trust.SequesterAuthorityCertificate](e, 0).Timestamp = o.next()
		return wrong(e, 1)
	}},
	{Name: "authority of another root key", Want: trust.Corrupted, forge: func(o *Organisation) *Forged {
		fit(o.sequester)
		e := o.founder()
		e.Certificates[0].signedBy(o.stranger())
		return wrong(e, 0)
	}},
}

// founder is the first event of an organisation that is not founded yet.
func (o *Organisation) founder() *Event {
	fit(len(o.users) == 0)
	return o.founding()
}

var pairForgeries = slices.Concat([]Forgery{
	userPair("human_handle", func(o *Organisation, c *trust.UserCertificate, u *trust.UserCertificate) {
		c.HumanHandle = u.HumanHandle
	}),
	userPair("timestamp", func(o *Organisation, c *trust.UserCertificate, _ *trust.UserCertificate) { c.Timestamp = o.next() }),
	userPair("user_id", func(o *Organisation, c *trust.UserCertificate, _ *trust.UserCertificate) { c.UserID = o.id() }),
	userPair("public_key", func(o *Organisation, c *trust.UserCertificate, _ *trust.UserCertificate) { c.PublicKey[0] ^= 1 }),
	userPair("profile", func(_ *Organisation, c *trust.UserCertificate, _ *trust.UserCertificate) {
		c.Profile = 1 + c.Profile%trust.Admin
	}),
}, []Forgery{
	devicePair("device_label", func(_ *Organisation, c *trust.DeviceCertificate, d *trust.DeviceCertificate) {
		c.DeviceLabel = d.DeviceLabel
	}),
	devicePair("timestamp", func(o *Organisation, c *trust.DeviceCertificate, _ *trust.DeviceCertificate) { c.Timestamp = o.next() }),
	devicePair("user_id", func(o *Organisation, c *trust.DeviceCertificate, _ *trust.DeviceCertificate) { c.UserID = o.id() }),
	devicePair("device_id", func(o *Organisation, c *trust.DeviceCertificate, _ *trust.DeviceCertificate) { c.DeviceID = o.id() }),
	devicePair("verify_key", func(o *Organisation, c *trust.DeviceCertificate, _ *trust.DeviceCertificate) {
		c.VerifyKey = must(o.stranger().Signing.VerifyKey())
	}),
	devicePair("purpose", func(_ *Organisation, c *trust.DeviceCertificate, _ *trust.DeviceCertificate) {
		c.Purpose = trust.PassphraseRecovery
	}),
})

// userPair enrols somebody whose redacted certificate is no redaction of the full one.
func userPair(field string, change func(o *Organisation, redacted, full *trust.UserCertificate)) Forgery {
	return Forgery{Name: "redacted user, other " + field, Field: field, forge: func(o *Organisation) *Forged {
		e := o.enrolment(o.by(isAdmin), trust.Standard)
		full := content[*trust.UserCertificate](e, 0)
		redacted := full.Redacted()
		change(o, redacted, full)
		e.Certificates[0].redacted = redacted
		return wrong(e, 0)
	}}
}

// devicePair is the same for another device.
func devicePair(field string, change func(o *Organisation, redacted, full *trust.DeviceCertificate)) Forgery {
	return Forgery{Name: "redacted device, other " + field, Field: field, forge: func(o *Organisation) *Forged {
		e, _ := o.furtherDevice(o.by((*User).Live))
		full := content[*trust.DeviceCertificate](e, 0)
		redacted := full.Redacted()
		change(o, redacted, full)
		e.Certificates[0].redacted = redacted
		return wrong(e, 0)
	}}
}
