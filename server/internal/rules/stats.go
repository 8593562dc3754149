package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Stats counts what an organisation has.
func (s *Service) Stats(ctx context.Context, id trust.OrganizationID) (stats *tables.Stats, err error) {
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) error {
		stats, err = tables.StatsAt(ctx, tx, o.Num, nil)
		return err
	})
	return stats, err
}

// OrganizationStats are those of an organisation by name.
type OrganizationStats struct {
	ID trust.OrganizationID
	*tables.Stats
}

// ServerStats counts what all organisations have, or had at a moment; by name.
func (s *Service) ServerStats(ctx context.Context, at *trust.DateTime) (all []OrganizationStats, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all = nil
		organizations, err := tables.OrganizationsByName(ctx, tx)
		if err != nil {
			return err
		}
		for _, o := range organizations {
			if at != nil {
				if there, err := tables.Existed(ctx, tx, o.Num, *at); err != nil || !there {
					if err != nil {
						return err
					}
					continue
				}
			}
			stats, err := tables.StatsAt(ctx, tx, o.Num, at)
			if err != nil {
				return err
			}
			all = append(all, OrganizationStats{o.ID, stats})
		}
		return nil
	})
	return all, err
}

// Organizations returns all organisations, by name.
func (s *Service) Organizations(ctx context.Context) (all []tables.Organization, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		all, err = tables.OrganizationsByName(ctx, tx)
		return err
	})
	return all, err
}
