package rules

import (
	"context"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// PurgeRealm removes the data of a realm whose deletion is due, or whose members are all revoked (4.3). Certificates stay. It may be called again
// for a realm whose removal did not come to an end. Content in the block store goes when the collector finds it without a row.
func (s *Service) PurgeRealm(ctx context.Context, org int64, id trust.RealmID, now trust.DateTime) error {
	err := s.Store.Write(ctx, []store.Lock{store.Common(org).Shared(), store.Realm(org, id)}, func(tx *store.Tx) error {
		return markDeleted(ctx, tx, org, id, now)
	})
	if err != nil {
		return err
	}
	return s.purge(ctx, org, id)
}

// markDeleted is for those who hold the lock of the realm, and share that of users.
func markDeleted(ctx context.Context, tx *store.Tx, org int64, id trust.RealmID, now trust.DateTime) error {
	realm, err := tables.GetRealm(ctx, tx, org, id)
	switch {
	case err != nil:
		return err
	case realm == nil:
		return ErrNoRealm
	case realm.Deleted:
		return nil
	}
	members, err := tables.Members(ctx, tx, org, id)
	if err != nil {
		return err
	}
	if !Deletable(realm, members, now) {
		return ErrRealmUsed
	}
	return tables.MarkDeleted(ctx, tx, org, id)
}

// Deletable reports whether the data of a realm may be removed.
func Deletable(realm *tables.Realm, members []tables.Member, now trust.DateTime) bool {
	return realm.Due(now) || !slices.ContainsFunc(members, func(m tables.Member) bool { return !m.Revoked })
}

// purge removes what a realm has that was marked, some rows at a time.
func (s *Service) purge(ctx context.Context, org int64, id trust.RealmID) error {
	for more := true; more; {
		err := s.Store.Write(ctx, []store.Lock{store.Realm(org, id)}, func(tx *store.Tx) (err error) {
			more, err = tables.PurgeSome(ctx, tx, org, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
