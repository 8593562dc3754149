package trusttest

import "github.com/seed-73b3884f/parsec-agent/trust"

// serving makes a valid sequester service wrong.
func serving(name string, want trust.Reason, change func(o *Organisation, e *Event, c *trust.SequesterServiceCertificate)) Forgery {
	return Forgery{Name: name, Want: want, forge: func(o *Organisation) *Forged {
		fit(o.sequester && len(o.services) > 0)
		e, _ := o.service()
		change(o, e, content[*trust.SequesterServiceCertificate](e, 0))
		return wrong(e, 0)
	}}
}

// anotherAuthority makes the certificate of an authority later than the foundation.
func (o *Organisation) anotherAuthority() *Event {
	o.next()
	c := &trust.SequesterAuthorityCertificate{Timestamp: o.clock, VerifyKeyDER: rsaKeys()[1].public}
	return &Event{At: o.clock, Certificates: []*Certificate{o.certificate(trust.TopicSequester, nil, c)}}
}

var sequesterForgeries = []Forgery{
	{Name: "second authority", Want: trust.AuthorityNotFirst, forge: func(o *Organisation) *Forged {
		fit(o.sequester && len(o.users) > 0)
		return &Forged{Event: o.anotherAuthority(), ByServer: true}
	}},
	{Name: "authority after the foundation", Want: trust.RootTimestampMismatch, forge: func(o *Organisation) *Forged {
		fit(!o.sequester && len(o.users) > 0)
		return &Forged{Event: o.anotherAuthority(), Bad: o.events[0].Certificates[0], ByServer: true}
	}},
	{Name: "service without an authority", Want: trust.NotSequestered, forge: func(o *Organisation) *Forged {
		fit(!o.sequester && len(o.users) > 0)
		e, _ := o.service()
		other := otherAuthority()
		e.Certificates[0].authority = &other
		return wrong(e, 0)
	}},
	serving("service of another authority", trust.Corrupted, func(_ *Organisation, e *Event, _ *trust.SequesterServiceCertificate) {
		other := otherAuthority()
		e.Certificates[0].authority = &other
	}),
	serving("service, bytes swapped", trust.Corrupted, func(_ *Organisation, e *Event, _ *trust.SequesterServiceCertificate) {
		e.Certificates[0].damage = func(signed []byte) []byte {
			signed[len(signed)-1] ^= 1
			return signed
		}
	}),
	serving("service again", trust.AlreadyExists, func(o *Organisation, _ *Event, c *trust.SequesterServiceCertificate) {
		c.ServiceID = o.services[o.rand.IntN(len(o.services))].ID
	}),
	serving("service, clock goes back", trust.InvalidTimestamp, func(o *Organisation, _ *Event, c *trust.SequesterServiceCertificate) {
		c.Timestamp = earlier(o.last[trust.TopicSequester])
	}),
	serving("service, clock stands", trust.InvalidTimestamp, func(o *Organisation, _ *Event, c *trust.SequesterServiceCertificate) {
		c.Timestamp = o.last[trust.TopicSequester]
	}),
	{Name: "service revoked twice", Want: trust.ServiceAlreadyRevoked, forge: func(o *Organisation) *Forged {
		s := pick(o, o.services, func(s *Service) bool { return s.Revoked })
		fit(s != nil)
		return wrong(o.serviceRevocation(s), 0)
	}},
	{Name: "revocation of an unknown service", Want: trust.ServiceUnknown, forge: func(o *Organisation) *Forged {
		fit(o.sequester && len(o.users) > 0)
		return wrong(o.serviceRevocation(&Service{ID: o.id()}), 0)
	}},
}
