package trusttest

import (
	"fmt"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// AddService makes a sequester service.
func (o *Organisation) AddService() *Service {
	forbid(!o.sequester, "the organisation is not sequestered")
	e, s := o.service()
	o.record(e)
	return s
}

func (o *Organisation) service() (*Event, *Service) {
	o.next()
	s := &Service{
		ID: o.id(), Private: must(trust.ParseSequesterPrivateKey(rsaKeys()[1].private)), key: must(trust.ParseSequesterEncryptionKey(rsaKeys()[1].public)),
	}
	content := &trust.SequesterServiceCertificate{
		Timestamp: o.clock, ServiceID: s.ID, ServiceLabel: fmt.Sprintf("service %d", len(o.services)), EncryptionKeyDER: s.key.DER(),
	}
	e := o.ofAuthority(SequesterCreateService, content)
	e.after = func() { o.services = append(o.services, s) }
	return e, s
}

// RevokeService ends a sequester service.
func (o *Organisation) RevokeService(s *Service) *Event {
	forbid(s.Revoked, "service %v is revoked", s.ID)
	return o.record(o.serviceRevocation(s))
}

func (o *Organisation) serviceRevocation(s *Service) *Event {
	content := &trust.SequesterRevokedServiceCertificate{Timestamp: o.next(), ServiceID: s.ID}
	e := o.ofAuthority(SequesterRevokeService, content)
	e.after = func() { s.Revoked = true }
	return e
}

func (o *Organisation) ofAuthority(command Command, content trust.ServiceCertificate) *Event {
	return &Event{Command: command, At: o.clock, Certificates: []*Certificate{o.certificate(trust.TopicSequester, nil, content)}, after: func() {}}
}

// liveServices are those that are not revoked.
func (o *Organisation) liveServices() []*Service {
	return slices.DeleteFunc(slices.Clone(o.services), func(s *Service) bool { return s.Revoked })
}
