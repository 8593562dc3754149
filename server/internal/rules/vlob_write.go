package rules

import (
	"context"
	"math"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// maxInlineBlob bounds the blobs that events carry.
const maxInlineBlob = 4096

// vlobCreate is 3.6: realm, role, key, id, window, monotony, sequester services.
func (s *Service) vlobCreate(ctx context.Context, c *Call, req *cloud.VlobCreateReq) (cloud.VlobCreateRep, error) {
	v := tables.Vlob{ID: req.VlobID, Version: 1, KeyIndex: req.KeyIndex, Author: c.Device, CreatedOn: req.Timestamp, Data: req.Blob}
	return withConsent(ctx, s, func(r sequesterRep) cloud.VlobCreateRep { return r }, c.aboutVlob(req.RealmID, v), func(o *consent) (cloud.VlobCreateRep, error) {
		return s.createVlob(ctx, c, req, v, o)
	})
}

func (s *Service) createVlob(ctx context.Context, c *Call, req *cloud.VlobCreateReq, v tables.Vlob, o *consent) (cloud.VlobCreateRep, error) {
	return write(ctx, s, c, c.inRealm(req.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.VlobCreateRep, error) {
		realm, refusal, err := c.writable(ctx, tx, req.RealmID, req.KeyIndex)
		if refusal != nil || err != nil {
			return refusal, err
		}
		last, err := tables.LastVersion(ctx, tx, c.Org, req.RealmID, req.VlobID)
		if err != nil {
			return nil, err
		}
		if last != 0 {
			return &cloud.VlobAlreadyExists{}, nil
		}
		if late := c.outOfBallpark(req.Timestamp); late != nil {
			return late, nil
		}
		if late := notAbove(req.Timestamp, a.Common, &realm.LastCertificate); late != nil {
			return late, nil
		}
		if err := o.need(ctx, tx, c, a); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.addVlob(ctx, tx, a, realm, v)
	}, c.inRealmFirst(req.RealmID, tables.LastVersionStatement(c.Org, req.RealmID, req.VlobID))...)
}

// vlobUpdate is 3.6: realm, id, role, key, window, monotony, version, sequester services.
func (s *Service) vlobUpdate(ctx context.Context, c *Call, req *cloud.VlobUpdateReq) (cloud.VlobUpdateRep, error) {
	v := tables.Vlob{ID: req.VlobID, Version: req.Version, KeyIndex: req.KeyIndex, Author: c.Device, CreatedOn: req.Timestamp, Data: req.Blob}
	return withConsent(ctx, s, func(r sequesterRep) cloud.VlobUpdateRep { return r }, c.aboutVlob(req.RealmID, v), func(o *consent) (cloud.VlobUpdateRep, error) {
		return s.updateVlob(ctx, c, req, v, o)
	})
}

func (s *Service) updateVlob(ctx context.Context, c *Call, req *cloud.VlobUpdateReq, v tables.Vlob, o *consent) (cloud.VlobUpdateRep, error) {
	return write(ctx, s, c, c.inRealm(req.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.VlobUpdateRep, error) {
		realm, refusal, err := c.inUse(ctx, tx, req.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		last, err := tables.LastVersion(ctx, tx, c.Org, req.RealmID, req.VlobID)
		if err != nil {
			return nil, err
		}
		if last == 0 {
			return &cloud.VlobNotFound{}, nil
		}
		if refusal := mayWrite(realm, req.KeyIndex); refusal != nil {
			return refusal, nil
		}
		if late := c.outOfBallpark(req.Timestamp); late != nil {
			return late, nil
		}
		if late := notAbove(req.Timestamp, a.Common, &realm.LastCertificate); late != nil {
			return late, nil
		}
		if last == math.MaxUint32 || req.Version != last+1 {
			return &cloud.BadVlobVersion{}, nil
		}
		if err := o.need(ctx, tx, c, a); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.addVlob(ctx, tx, a, realm, v)
	}, c.inRealmFirst(req.RealmID, tables.LastVersionStatement(c.Org, req.RealmID, req.VlobID))...)
}

// writeRep is a refusal that commands that write have in common.
type writeRep interface {
	cloud.VlobCreateRep
	cloud.VlobUpdateRep
	cloud.BlockCreateRep
}

// writable checks that the caller may write into a realm with a key: realm, role, key.
func (c *Call) writable(ctx context.Context, tx *store.Tx, id trust.RealmID, index uint64) (*tables.Realm, writeRep, error) {
	realm, refusal, err := c.inUse(ctx, tx, id)
	if refusal != nil || err != nil {
		return nil, refusal, err
	}
	return realm, mayWrite(realm, index), nil
}

// inUse finds a realm that is written to by somebody.
func (c *Call) inUse(ctx context.Context, tx *store.Tx, id trust.RealmID) (*tables.Realm, writeRep, error) {
	realm, err := tables.RealmFor(ctx, tx, c.Org, id, c.User)
	switch {
	case err != nil:
		return nil, nil, err
	case realm == nil:
		return nil, &cloud.RealmNotFound{}, nil
	case realm.Deleted:
		return nil, &cloud.RealmDeleted{}, nil
	case realm.Archiving != trust.Available:
		return nil, &cloud.RealmArchived{}, nil
	}
	return realm, nil, nil
}

// mayWrite checks that the user whose role the realm has may write with a key: role, key.
func mayWrite(realm *tables.Realm, index uint64) writeRep {
	switch {
	case !realm.Role.CanWrite():
		return &cloud.AuthorNotAllowed{}
	case index != realm.KeyIndex:
		return &cloud.BadKeyIndex{LastRealmCertificateTimestamp: realm.LastCertificate}
	}
	return nil
}

// addVlob stores a version and tells the other devices of the realm.
func (c *Call) addVlob(ctx context.Context, tx *store.Tx, a *tables.Author, realm *tables.Realm, v tables.Vlob) error {
	if err := tables.AddVlob(ctx, tx, c.Org, realm, v); err != nil {
		return err
	}
	told := &cloud.EventVlob{
		Author: v.Author, RealmID: realm.ID, VlobID: v.ID, Version: v.Version, Timestamp: v.CreatedOn,
		LastRealmCertificateTimestamp: realm.LastCertificate,
	}
	if a.Common != nil {
		told.LastCommonCertificateTimestamp = *a.Common
	}
	if len(v.Data) < maxInlineBlob {
		told.Blob = v.Data
	}
	e, err := events.New(c.Org, events.Audience{Realm: &realm.ID, Except: &c.Device}, told)
	if err == nil {
		tx.Emit(e)
	}
	return err
}
