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

// AddServiceAccess keeps the access of a service to a keys bundle.
func AddServiceAccess(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, index uint64, service trust.SequesterServiceID, access []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO sequester_access (org, realm, key_index, service, access) VALUES ($1, $2, $3, $4, $5)`,
		org, id[:], count(index), service[:], access)
	return err
}
