package tables

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Service is a sequester service.
type Service struct {
	ID        trust.SequesterServiceID
	Label     string
	CreatedOn trust.DateTime
	RevokedOn *trust.DateTime
	// WebhookURL is nil for a service that only stores.
	WebhookURL *string
}

// Services returns all sequester services of an organisation, the oldest first.
func Services(ctx context.Context, tx *store.Tx, org int64) (all []Service, err error) {
	err = tx.Each(ctx, store.SQL(`SELECT id, label, created_on, revoked_on, webhook_url FROM sequester_service WHERE org = $1 ORDER BY created_on, id`, org),
		func(r store.Row) error {
			s := Service{}
			if err := r.Scan(store.Fixed(&s.ID), &s.Label, store.Time(&s.CreatedOn), store.MaybeTime(&s.RevokedOn), &s.WebhookURL); err != nil {
				return err
			}
			all = append(all, s)
			return nil
		})
	return all, err
}

// GetService returns a sequester service, or nil.
func GetService(ctx context.Context, tx *store.Tx, org int64, id trust.SequesterServiceID) (*Service, error) {
	s := &Service{ID: id}
	found, err := tx.Get(ctx, store.SQL(`SELECT label, created_on, revoked_on, webhook_url FROM sequester_service WHERE org = $1 AND id = $2`, org, id[:]),
		&s.Label, store.Time(&s.CreatedOn), store.MaybeTime(&s.RevokedOn), &s.WebhookURL)
	if err != nil || !found {
		return nil, err
	}
	return s, nil
}

// InsertService adds a sequester service.
func InsertService(ctx context.Context, tx *store.Tx, org int64, s Service) error {
	_, err := tx.Exec(ctx, `INSERT INTO sequester_service (org, id, label, created_on, webhook_url) VALUES ($1, $2, $3, $4, $5)`,
		org, s.ID[:], s.Label, s.CreatedOn.Micros(), text(s.WebhookURL))
	return err
}

// RevokeService ends a sequester service.
func RevokeService(ctx context.Context, tx *store.Tx, org int64, id trust.SequesterServiceID, at trust.DateTime) error {
	_, err := tx.Exec(ctx, `UPDATE sequester_service SET revoked_on = $3 WHERE org = $1 AND id = $2`, org, id[:], at.Micros())
	return err
}

// ConfigureService says where a sequester service is asked, nil for one that only stores.
func ConfigureService(ctx context.Context, tx *store.Tx, org int64, id trust.SequesterServiceID, webhook *string) error {
	_, err := tx.Exec(ctx, `UPDATE sequester_service SET webhook_url = $3 WHERE org = $1 AND id = $2`, org, id[:], text(webhook))
	return err
}

// text is a text as an argument, where nil is null.
func text(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// AddServiceAccess keeps the access of a service to a keys bundle.
func AddServiceAccess(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64, service trust.SequesterServiceID, access []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO sequester_access (org, realm, key_index, service, access) VALUES ($1, $2, $3, $4, $5)`,
		org, id[:], count(index), service[:], access)
	return err
}
