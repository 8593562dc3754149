package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// DeletionReason is why the data of a realm may be deleted.
type DeletionReason string

// Reasons, by the names of the original.
const (
	NotDeletable    DeletionReason = ""
	DeletionPlanned DeletionReason = "deletion_planned"
	Orphaned        DeletionReason = "orphaned"
)

// RealmState is a realm, for administrators.
type RealmState struct {
	tables.RealmUsage
	Deletable DeletionReason
	// OrphanedSince is when the last member was revoked, nil where there is one, or never was.
	OrphanedSince *trust.DateTime
}

// Realms returns the realms of an organisation, by id.
func (s *Service) Realms(ctx context.Context, id trust.OrganizationID, now trust.DateTime) (all []RealmState, err error) {
	err = s.readIn(ctx, id, func(tx *store.Tx, o *tables.Organization) error {
		usage, err := tables.RealmUsages(ctx, tx, o.Num)
		all = make([]RealmState, 0, len(usage))
		for _, u := range usage {
			all = append(all, stateOf(u, now))
		}
		return err
	})
	return all, err
}

func stateOf(u tables.RealmUsage, now trust.DateTime) RealmState {
	r := RealmState{RealmUsage: u}
	if u.Active == 0 {
		r.OrphanedSince = u.LastRevoked
	}
	switch {
	case u.Deleted:
	case u.Due(now):
		r.Deletable = DeletionPlanned
	case u.Active == 0:
		r.Deletable = Orphaned
	}
	return r
}

// DeleteRealm removes the data of a realm whose deletion is due or that is orphaned, for an administrator. See PurgeRealm.
func (s *Service) DeleteRealm(ctx context.Context, by Administrator, id trust.OrganizationID, realm trust.RealmID) (begun bool, err error) {
	num := int64(0)
	locks := func(org int64) []store.Lock { return []store.Lock{store.Common(org).Shared(), store.Realm(org, realm)} }
	err = s.administerIn(ctx, by, act{"delete realm", id, "realm " + realm.String()}, locks, func(tx *store.Tx, o *tables.Organization) error {
		num = o.Num
		return markDeleted(ctx, tx, o.Num, realm, by.Now)
	})
	if err != nil {
		return false, err
	}
	return true, s.purge(ctx, num, realm)
}
