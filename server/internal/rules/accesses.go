package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Accesses are a user, and what they may do: the profiles that they had, and the roles that they have since a moment.
type Accesses struct {
	tables.User

	Profiles []tables.ProfileSince
	Roles    []tables.RoleSince
}

// Accesses returns those of all users of an organisation, revoked ones too, the oldest first.
func (s *Service) Accesses(ctx context.Context, id trust.OrganizationID) (all []Accesses, err error) {
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) error {
		all = nil
		at := map[trust.UserID]int{}
		err := tables.Users(ctx, tx, o.Num, func(u tables.User) error {
			at[u.ID] = len(all)
			all = append(all, Accesses{User: u})
			return nil
		})
		if err != nil {
			return err
		}
		err = tables.Profiles(ctx, tx, o.Num, func(p tables.ProfileSince) {
			if i, known := at[p.User]; known {
				all[i].Profiles = append(all[i].Profiles, p)
			}
		})
		if err != nil {
			return err
		}
		return tables.Roles(ctx, tx, o.Num, func(r tables.RoleSince) {
			if i, known := at[r.User]; known {
				all[i].Roles = append(all[i].Roles, r)
			}
		})
	})
	return all, err
}
