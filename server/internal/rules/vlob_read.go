package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxItems bounds what is read at once.
const maxItems = 1000

// vlobReadBatch is 3.6.
func (s *Service) vlobReadBatch(ctx context.Context, c *Call, req *cloud.VlobReadBatchReq) (cloud.VlobReadBatchRep, error) {
	if len(req.Vlobs) > maxItems {
		return &cloud.TooManyElements{}, nil
	}
	wanted := tables.VlobsAt(c.Org, req.RealmID, req.Vlobs, req.At)
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.VlobReadBatchRep, error) {
		realm, refusal, err := c.readable(ctx, tx, req.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		found, err := tables.Vlobs(ctx, tx, wanted)
		if err != nil {
			return nil, err
		}
		return &cloud.VlobReadBatchOK{
			Items: items(found), NeededCommonCertificateTimestamp: *a.Common, NeededRealmCertificateTimestamp: realm.LastCertificate,
		}, nil
	}, c.foreseeVlobs(req.RealmID, wanted)...)
}

// readRep is a refusal that commands that read in a realm have in common.
type readRep interface {
	cloud.VlobReadBatchRep
	cloud.VlobReadVersionsRep
	cloud.VlobPollChangesRep
	cloud.BlockReadRep
}

// inRealmFirst are statements behind that with which it is found out what the caller may do in a realm.
func (c *Call) inRealmFirst(id trust.RealmID, all ...store.Statement) []store.Statement {
	return append([]store.Statement{tables.RealmForStatement(c.Org, id, c.User)}, all...)
}

// maxForeseen is how many vlobs are read at once with what says whether the caller may: that much is read in vain for who may not.
const maxForeseen = 16

// foreseeVlobs are all statements of a command that reads vlobs, none for many vlobs.
func (c *Call) foreseeVlobs(id trust.RealmID, wanted []store.Statement) []store.Statement {
	if len(wanted) > maxForeseen {
		return nil
	}
	return c.inRealmFirst(id, wanted...)
}

// readable checks that the caller may read in a realm: realm, role.
func (c *Call) readable(ctx context.Context, tx *store.Tx, id trust.RealmID) (*tables.Realm, readRep, error) {
	realm, err := tables.RealmFor(ctx, tx, c.Org, id, c.User)
	switch {
	case err != nil:
		return nil, nil, err
	case realm == nil:
		return nil, &cloud.RealmNotFound{}, nil
	case realm.Deleted:
		return nil, &cloud.RealmDeleted{}, nil
	case !realm.Role.CanRead():
		return nil, &cloud.AuthorNotAllowed{}, nil
	}
	return realm, nil, nil
}

func items(found []tables.Vlob) []cloud.VlobItem {
	all := make([]cloud.VlobItem, 0, len(found))
	for _, v := range found {
		all = append(all, cloud.VlobItem{VlobID: v.ID, KeyIndex: v.KeyIndex, Author: v.Author, Version: v.Version, CreatedOn: v.CreatedOn, Blob: v.Data})
	}
	return all
}

// vlobReadVersions is 3.6.
func (s *Service) vlobReadVersions(ctx context.Context, c *Call, req *cloud.VlobReadVersionsReq) (cloud.VlobReadVersionsRep, error) {
	if len(req.Items) > maxItems {
		return &cloud.TooManyElements{}, nil
	}
	which := make([]tables.VersionOf, 0, len(req.Items))
	for _, v := range req.Items {
		which = append(which, tables.VersionOf{ID: v.VlobID, Version: v.Version})
	}
	wanted := tables.VlobVersions(c.Org, req.RealmID, which)
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.VlobReadVersionsRep, error) {
		realm, refusal, err := c.readable(ctx, tx, req.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		found, err := tables.Vlobs(ctx, tx, wanted)
		if err != nil {
			return nil, err
		}
		return &cloud.VlobReadVersionsOK{
			Items: items(found), NeededCommonCertificateTimestamp: *a.Common, NeededRealmCertificateTimestamp: realm.LastCertificate,
		}, nil
	}, c.foreseeVlobs(req.RealmID, wanted)...)
}

// vlobPollChanges is 3.6.
func (s *Service) vlobPollChanges(ctx context.Context, c *Call, req *cloud.VlobPollChangesReq) (cloud.VlobPollChangesRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.VlobPollChangesRep, error) {
		realm, refusal, err := c.readable(ctx, tx, req.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		changes, err := tables.VlobChanges(ctx, tx, c.Org, req.RealmID, req.LastCheckpoint)
		if err != nil {
			return nil, err
		}
		rep := &cloud.VlobPollChangesOK{Changes: make([]cloud.VlobVersion, 0, len(changes)), CurrentCheckpoint: realm.Checkpoint}
		for _, v := range changes {
			rep.Changes = append(rep.Changes, cloud.VlobVersion{VlobID: v.ID, Version: v.Version})
		}
		return rep, nil
	}) // nothing is foreseen: for who may not read in the realm, all of it would be looked through
}
