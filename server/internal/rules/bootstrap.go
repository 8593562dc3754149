package rules

import (
	"context"
	"crypto/hmac"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// organizationBootstrap is 3.3: expired, token, already bootstrapped, certificates.
func (s *Service) organizationBootstrap(ctx context.Context, c *Call, req *cloud.OrganizationBootstrapReq) (rep cloud.OrganizationBootstrapRep, err error) {
	digest, err := s.TokenDigest(req.BootstrapToken)
	if err != nil {
		return nil, err
	}
	b := bootstrap{req: req}
	verdict := b.verify(c)
	err = s.Store.Write(ctx, []store.Lock{store.Organization(c.Org)}, func(tx *store.Tx) error {
		o, err := tables.GetOrganization(ctx, tx, c.Org)
		switch {
		case err != nil:
			return err
		case o == nil:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
		case o.Expired:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
		case (digest == nil) != (o.TokenDigest == nil) || !hmac.Equal(digest, o.TokenDigest):
			rep = &cloud.InvalidBootstrapToken{}
			return nil
		case o.Bootstrapped:
			rep = &cloud.OrganizationAlreadyBootstrapped{}
			return nil
		}
		if rep = verdict; rep != nil {
			return nil
		}
		rep = &cloud.OK{}
		return b.insert(ctx, tx, c)
	})
	if _, done := rep.(*cloud.OK); done && err == nil && s.Webhooks != nil {
		s.Webhooks.Bootstrapped(b.told(c))
	}
	return rep, err
}

// told is what others hear of the bootstrap.
func (b *bootstrap) told(c *Call) Bootstrapped {
	told := Bootstrapped{Organization: c.Organization, Device: b.device.full.DeviceID}
	if l := b.device.full.DeviceLabel; l != nil {
		told.DeviceLabel = l.String()
	}
	if h := b.user.full.HumanHandle; h != nil {
		told.Email, told.Label = h.Email.String(), h.Label.String()
	}
	return told
}

// bootstrap is an organisation to be.
type bootstrap struct {
	req *cloud.OrganizationBootstrapReq
	newcomer
}

// verify checks what the root key signed. The refusal is nil when it holds.
func (b *bootstrap) verify(c *Call) cloud.OrganizationBootstrapRep {
	root := trust.Author{Key: b.req.RootVerifyKey}
	b.newcomer = newcomer{
		userSigned: b.req.UserCertificate, deviceSigned: b.req.DeviceCertificate,
		redactedUser: b.req.RedactedUserCertificate, redactedDevice: b.req.RedactedDeviceCertificate, first: true,
	}
	if refusal := b.newcomer.verify(c, root); refusal != nil {
		return refusal
	}
	if b.req.SequesterAuthorityCertificate == nil {
		return nil
	}
	authority, ok := verify[*trust.SequesterAuthorityCertificate](b.req.SequesterAuthorityCertificate, root)
	if !ok || authority.Timestamp != b.user.full.Timestamp {
		return &cloud.InvalidCertificate{}
	}
	return nil
}

func (b *bootstrap) insert(ctx context.Context, tx *store.Tx, c *Call) error {
	at := b.user.full.Timestamp
	authority := b.req.SequesterAuthorityCertificate
	if err := tables.Bootstrap(ctx, tx, c.Org, b.req.RootVerifyKey, authority, at, c.Now); err != nil {
		return err
	}
	if authority != nil {
		if err := tables.AddSequester(ctx, tx, c.Org, tables.Certificate{SignedOn: at, Signed: authority}); err != nil {
			return err
		}
	}
	tx.Emit(events.Silent(c.Org, events.Effect{Kind: events.Forget}))
	return b.newcomer.insert(ctx, tx, c.Org)
}
