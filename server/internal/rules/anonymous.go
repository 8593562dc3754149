package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// transaction runs a function on the store.
type transaction func(ctx context.Context, f func(*store.Tx) error) error

// locked is a transaction that writes.
func (s *Service) locked(locks ...store.Lock) transaction {
	return func(ctx context.Context, f func(*store.Tx) error) error { return s.Store.Write(ctx, locks, f) }
}

// anonymous runs f for nobody, unless the organisation went or expired since the request was let in. Where it is known what f reads, that is all that it reads, in that order.
func anonymous[R any](ctx context.Context, c *Call, in transaction, f func(*store.Tx) (R, error), all ...store.Statement) (rep R, err error) {
	err = in(ctx, func(tx *store.Tx) error {
		if len(all) > 0 {
			tx.ForeseeAll(append([]store.Statement{tables.OrganizationExpiredStatement(c.Org)}, all...)...)
		}
		found, expired, err := tables.OrganizationExpired(ctx, tx, c.Org)
		switch {
		case err != nil:
			return err
		case !found:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationNotFound}
		case expired:
			return &cloud.HTTPError{Status: cloud.StatusOrganizationExpired}
		}
		rep, err = f(tx)
		return err
	})
	return rep, err
}
