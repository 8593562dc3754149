package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// emitCommon tells everybody of a new certificate in the topic of users and devices.
func (c *Call) emitCommon(tx *store.Tx, at trust.DateTime, effect events.Effect) error {
	e, err := events.New(c.Org, events.Audience{Everybody: true}, &cloud.EventCommonCertificate{Timestamp: at})
	if err == nil {
		tx.Emit(e.With(effect))
	}
	return err
}

// userCreate is 3.4: author, certificates, limit, ids, address, monotony.
func (s *Service) userCreate(ctx context.Context, c *Call, req *cloud.UserCreateReq) (cloud.UserCreateRep, error) {
	n := newcomer{
		userSigned: req.UserCertificate, deviceSigned: req.DeviceCertificate,
		redactedUser: req.RedactedUserCertificate, redactedDevice: req.RedactedDeviceCertificate,
	}
	if refusal := n.verify(c, c.signer()); refusal != nil {
		return refuse[cloud.UserCreateRep](ctx, s, c, admin, refusal, &cloud.AuthorNotAllowed{})
	}
	return write(ctx, s, c, []store.Lock{store.Organization(c.Org).Shared(), store.Common(c.Org)}, func(tx *store.Tx, a *tables.Author) (cloud.UserCreateRep, error) {
		refusal, err := c.refuseNewcomer(ctx, tx, a, &n)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if err := n.insert(ctx, tx, c.Org); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitCommon(tx, n.user.full.Timestamp, events.Effect{})
	})
}

// identityRep is a refusal of a user to be because of others in the organisation.
type identityRep interface {
	cloud.UserCreateRep
	cloud.AsyncEnrollmentAcceptRep
}

// refuseNewcomer checks a user to be against the organisation. async_enrollment_accept does the same.
func (c *Call) refuseNewcomer(ctx context.Context, tx *store.Tx, a *tables.Author, n *newcomer) (identityRep, error) {
	if !admin(a.Profile) {
		return &cloud.AuthorNotAllowed{}, nil
	}
	o, err := tables.GetOrganization(ctx, tx, c.Org)
	if err != nil {
		return nil, err
	}
	if o.ActiveUsersLimit != nil {
		active, err := tables.CountActive(ctx, tx, c.Org)
		if err != nil {
			return nil, err
		}
		if active >= *o.ActiveUsersLimit {
			return &cloud.ActiveUsersLimitReached{}, nil
		}
	}
	return c.refuseIdentity(ctx, tx, a, n)
}

func (c *Call) refuseIdentity(ctx context.Context, tx *store.Tx, a *tables.Author, n *newcomer) (identityRep, error) {
	known, err := tables.GetUser(ctx, tx, c.Org, n.user.full.UserID)
	if err != nil {
		return nil, err
	}
	device, err := tables.HasDevice(ctx, tx, c.Org, n.device.full.DeviceID)
	if err != nil {
		return nil, err
	}
	if known != nil || device {
		return &cloud.UserAlreadyExists{}, nil
	}
	taken, err := tables.ActiveUser(ctx, tx, c.Org, n.user.full.Handle().Email.String())
	if err != nil {
		return nil, err
	}
	if taken != nil {
		return &cloud.HumanHandleAlreadyTaken{}, nil
	}
	if late := notAbove(n.user.full.Timestamp, a.Common); late != nil {
		return late, nil
	}
	return nil, nil
}
