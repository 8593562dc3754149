package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// blockCreate is 3.6: realm, role, key, id. The id is reserved before the content is stored, and counts after it: whatever ends the server in
// between, no content is without a row, and who tries again with the same content goes on.
func (s *Service) blockCreate(ctx context.Context, c *Call, req *cloud.BlockCreateReq) (cloud.BlockCreateRep, error) {
	b := tables.Block{
		ID: req.BlockID, Realm: req.RealmID, KeyIndex: req.KeyIndex, Author: c.Device, Size: uint64(len(req.Block)), CreatedOn: c.Now,
	}
	if refusal, err := s.reserveBlock(ctx, c, b); refusal != nil || err != nil {
		return refusal, err
	}
	switch err := s.Blocks.Create(ctx, c.Organization, b.ID, req.Block); {
	case errors.Is(err, blocks.ErrExists):
		return &cloud.BlockAlreadyExists{}, nil
	case err != nil:
		s.Log.Error("a block cannot be stored", "block", b.ID.String(), "error", err)
		return &cloud.StoreUnavailable{}, nil
	}
	return s.confirmBlock(ctx, c, b)
}

func (s *Service) reserveBlock(ctx context.Context, c *Call, b tables.Block) (cloud.BlockCreateRep, error) {
	locks := append(c.inRealm(b.Realm), store.Blocks(c.Org).Shared())
	return write(ctx, s, c, locks, func(tx *store.Tx, _ *tables.Author) (cloud.BlockCreateRep, error) {
		_, refusal, err := c.writable(ctx, tx, b.Realm, b.KeyIndex)
		if refusal != nil || err != nil {
			return refusal, err
		}
		taken, err := tables.GetBlock(ctx, tx, c.Org, b.ID)
		switch {
		case err != nil:
			return nil, err
		case taken == nil:
		case taken.Stored || taken.Realm != b.Realm:
			return &cloud.BlockAlreadyExists{}, nil
		default:
			return nil, nil // somebody did not come to an end
		}
		condemned, err := tables.Condemned(ctx, tx, c.Org, b.ID)
		switch {
		case err != nil:
			return nil, err
		case condemned:
			return &cloud.StoreUnavailable{}, nil
		}
		return nil, tables.ReserveBlock(ctx, tx, c.Org, b)
	})
}

func (s *Service) confirmBlock(ctx context.Context, c *Call, b tables.Block) (cloud.BlockCreateRep, error) {
	return write(ctx, s, c, c.inRealm(b.Realm), func(tx *store.Tx, _ *tables.Author) (cloud.BlockCreateRep, error) {
		confirmed, err := tables.ConfirmBlock(ctx, tx, c.Org, b)
		if err != nil {
			return nil, err
		}
		if confirmed {
			return &cloud.OK{}, nil
		}
		// Somebody else stored the same meanwhile, or the realm was purged.
		realm, err := tables.GetRealm(ctx, tx, c.Org, b.Realm)
		if err == nil && (realm == nil || realm.Deleted) {
			return &cloud.RealmDeleted{}, nil
		}
		return &cloud.BlockAlreadyExists{}, err
	})
}

// blockRead is 3.6: realm, block, role, content.
func (s *Service) blockRead(ctx context.Context, c *Call, req *cloud.BlockReadReq) (cloud.BlockReadRep, error) {
	rep := &cloud.BlockReadOK{}
	refusal, err := read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.BlockReadRep, error) {
		realm, refusal, err := c.readable(ctx, tx, req.RealmID)
		if err != nil {
			return nil, err
		}
		if _, member := refusal.(*cloud.AuthorNotAllowed); refusal != nil && !member {
			return refusal, nil
		}
		b, err := tables.GetBlock(ctx, tx, c.Org, req.BlockID)
		switch {
		case err != nil:
			return nil, err
		case b == nil || b.Realm != req.RealmID || !b.Stored:
			return &cloud.BlockNotFound{}, nil
		case refusal != nil:
			return refusal, nil
		}
		rep.KeyIndex, rep.NeededRealmCertificateTimestamp = b.KeyIndex, realm.LastCertificate
		return nil, nil
	})
	if refusal != nil || err != nil {
		return refusal, err
	}
	if rep.Block, err = s.Blocks.Read(ctx, c.Organization, req.BlockID); err != nil {
		s.Log.Error("a block cannot be read", "block", req.BlockID.String(), "error", err)
		return &cloud.StoreUnavailable{}, nil
	}
	return rep, nil
}
