package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Why nothing is done for the sequester.
var (
	ErrNoSequester        error = &RefusedError{Reason: "the organisation has no sequester"}
	ErrServiceCertificate error = &RefusedError{Reason: "this is no certificate of the organisation's sequester authority, or one for something else"}
	ErrServiceExists      error = &RefusedError{Reason: "there is a sequester service with this id already"}
	ErrNoService          error = &RefusedError{Reason: "there is no such sequester service"}
	ErrServiceRevoked     error = &RefusedError{Reason: "the sequester service is revoked already"}
)

// SequesterServices returns the services of an organisation, the oldest first.
func (s *Service) SequesterServices(ctx context.Context, id trust.OrganizationID) (all []tables.Service, err error) {
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) error {
		if o.Authority == nil {
			return ErrNoSequester
		}
		all, err = tables.Services(ctx, tx, o.Num)
		return err
	})
	return all, err
}

// verifyService reads a certificate of the organisation's sequester authority.
func verifyService[C trust.ServiceCertificate](o *tables.Organization, signed []byte) (none C, _ error) {
	if o.Authority == nil || o.RootVerifyKey == nil {
		return none, ErrNoSequester
	}
	authority, ok := verify[*trust.SequesterAuthorityCertificate](o.Authority, trust.Author{Key: *o.RootVerifyKey})
	if !ok {
		return none, ErrServiceCertificate
	}
	key, err := trust.ParseSequesterVerifyKey(authority.VerifyKeyDER)
	if err != nil {
		return none, ErrServiceCertificate
	}
	c, err := trust.VerifyServiceCertificate(signed, key)
	own, ok := any(c).(C)
	if err != nil || !ok {
		return none, ErrServiceCertificate
	}
	return own, nil
}

// newest checks that a certificate exceeds all others of the sequester.
func newest(o *tables.Organization, at trust.DateTime) error {
	if late := notAbove(at, o.Sequester); late != nil {
		return &RefusedError{Reason: "the moment of the certificate must be after " + late.StrictlyGreaterThan.String(), After: &late.StrictlyGreaterThan}
	}
	return nil
}

func inSequester(org int64) []store.Lock { return []store.Lock{store.Sequester(org)} }

// AddSequesterService makes a service of a certificate: sequester, certificate, monotony, id (3.9). The certificate may be old.
func (s *Service) AddSequesterService(ctx context.Context, by Administrator, id trust.OrganizationID, signed []byte, webhook *string) error {
	a := act{"create sequester service", id, "of type " + kindOf(webhook)}
	return s.administerIn(ctx, by, a, inSequester, func(tx *store.Tx, o *tables.Organization) error {
		c, err := verifyService[*trust.SequesterServiceCertificate](o, signed)
		if err != nil {
			return err
		}
		if err := newest(o, c.Timestamp); err != nil {
			return err
		}
		known, err := tables.GetService(ctx, tx, o.Num, c.ServiceID)
		if err == nil && known != nil {
			err = ErrServiceExists
		}
		if err != nil {
			return err
		}
		service := tables.Service{ID: c.ServiceID, Label: c.ServiceLabel, CreatedOn: c.Timestamp, WebhookURL: webhook}
		if err := tables.InsertService(ctx, tx, o.Num, service); err != nil {
			return err
		}
		return addSequester(ctx, tx, o.Num, c.Timestamp, signed)
	})
}

// kindOf is what a service does, without an address that may hold a secret.
func kindOf(webhook *string) string {
	if webhook == nil {
		return "storage"
	}
	return "webhook"
}

// addSequester stores a certificate of the authority, and tells everybody.
func addSequester(ctx context.Context, tx *store.Tx, org int64, at trust.DateTime, signed []byte) error {
	if err := tables.AddSequester(ctx, tx, org, tables.Certificate{SignedOn: at, Signed: signed}); err != nil {
		return err
	}
	e, err := events.New(org, events.Audience{Everybody: true}, &cloud.EventSequesterCertificate{Timestamp: at})
	if err == nil {
		tx.Emit(e)
	}
	return err
}

// RevokeSequesterService ends a service: sequester, certificate, service, monotony, already revoked (3.9).
func (s *Service) RevokeSequesterService(ctx context.Context, by Administrator, id trust.OrganizationID, signed []byte) error {
	return s.administerIn(ctx, by, act{"revoke sequester service", id, ""}, inSequester, func(tx *store.Tx, o *tables.Organization) error {
		c, err := verifyService[*trust.SequesterRevokedServiceCertificate](o, signed)
		if err != nil {
			return err
		}
		service, err := tables.GetService(ctx, tx, o.Num, c.ServiceID)
		if err == nil && service == nil {
			err = ErrNoService
		}
		if err != nil {
			return err
		}
		if err := newest(o, c.Timestamp); err != nil {
			return err
		}
		if service.RevokedOn != nil {
			return ErrServiceRevoked
		}
		if err := tables.RevokeService(ctx, tx, o.Num, c.ServiceID, c.Timestamp); err != nil {
			return err
		}
		return addSequester(ctx, tx, o.Num, c.Timestamp, signed)
	})
}

// ConfigureSequesterService gives a service another address, or none: sequester, service.
func (s *Service) ConfigureSequesterService(ctx context.Context, by Administrator, id trust.OrganizationID, service trust.SequesterServiceID, webhook *string) error {
	a := act{"configure sequester service", id, "service " + service.String() + " of type " + kindOf(webhook)}
	return s.administerIn(ctx, by, a, inSequester, func(tx *store.Tx, o *tables.Organization) error {
		if o.Authority == nil {
			return ErrNoSequester
		}
		known, err := tables.GetService(ctx, tx, o.Num, service)
		if err == nil && known == nil {
			err = ErrNoService
		}
		if err != nil {
			return err
		}
		return tables.ConfigureService(ctx, tx, o.Num, service, webhook)
	})
}
