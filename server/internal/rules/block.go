package rules

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// underWay is for how long a reservation may belong to a request that is still at work. It has the time at which the request began, and the API
// gives a request three minutes from then.
const underWay = 5 * time.Minute

// blockCreate is 3.6: realm, role, key, id. The id is reserved before the content is stored, and counts after it: whatever ends the server in
// between, no content is without a row, and whoever tries again goes on. An id is never said to exist that cannot be read: clients take that
// for their own success.
func (s *Service) blockCreate(ctx context.Context, c *Call, req *cloud.BlockCreateReq) (cloud.BlockCreateRep, error) {
	b := tables.Block{
		ID: req.BlockID, Realm: req.RealmID, KeyIndex: req.KeyIndex, Author: c.Device, Size: uint64(len(req.Block)), CreatedOn: c.Now,
	}
	if rows, ok := s.Blocks.(blocks.Rows); ok {
		return s.addBlock(ctx, c, rows, b, req.Block)
	}
	if refusal, err := s.reserveBlock(ctx, c, b); refusal != nil || err != nil {
		return refusal, err
	}
	if !blocks.Frugal(s.Blocks) {
		c.keepBody() // uploads that were given up may still read it
	}
	if err := s.storeBlock(ctx, c, b.ID, req.Block); err != nil {
		s.Log.Error("a block cannot be stored", "block", b.ID.String(), "error", err)
		s.abandonBlock(ctx, c, b)
		return &cloud.StoreUnavailable{}, nil
	}
	return s.confirmBlock(ctx, c, b)
}

// storeBlock stores content under an id that the caller has reserved. What is there already is what an attempt left that nobody was told of.
func (s *Service) storeBlock(ctx context.Context, c *Call, id trust.BlockID, content []byte) error {
	err := s.Blocks.Create(ctx, c.Organization, id, content)
	if !errors.Is(err, blocks.ErrExists) {
		return err
	}
	if err := s.Blocks.Delete(ctx, c.Organization, id); err != nil {
		return err
	}
	return s.Blocks.Create(ctx, c.Organization, id, content)
}

// abandonBlock lets the next attempt begin at once. Without it that has to wait.
func (s *Service) abandonBlock(ctx context.Context, c *Call, b tables.Block) {
	err := s.Store.Write(context.WithoutCancel(ctx), c.inRealm(b.Realm), func(tx *store.Tx) error {
		return tables.Abandon(ctx, tx, c.Org, b, b.CreatedOn.Add(-underWay))
	})
	if err != nil {
		s.Log.Warn("a reservation cannot be given up", "block", b.ID.String(), "error", err)
	}
}

// AbandonBlocks lets all that did not come to an end be tried again at once, for a process that has the database to itself: nobody else is at work.
func (s *Service) AbandonBlocks(ctx context.Context) error {
	return s.Store.Write(ctx, nil, func(tx *store.Tx) error { return tables.AbandonAll(ctx, tx, underWay.Microseconds()) })
}

// reserveBlock need not last longer than the machine where nobody else has the store: without its reservation content is garbage, which whoever tries again replaces.
func (s *Service) reserveBlock(ctx context.Context, c *Call, b tables.Block) (cloud.BlockCreateRep, error) {
	return note(ctx, s, c, c.inBlocks(b.Realm), func(tx *store.Tx, _ *tables.Author) (cloud.BlockCreateRep, error) {
		free, refusal, err := c.freeID(ctx, tx, b)
		if refusal != nil || err != nil || !free {
			return refusal, err
		}
		return nil, tables.ReserveBlock(ctx, tx, c.Org, b)
	}, c.freeIDStatements(b)...)
}

// inBlocks are the locks of whoever takes an id of a block in a realm.
func (c *Call) inBlocks(realm trust.RealmID) []store.Lock {
	return append(c.inRealm(realm), store.Blocks(c.Org).Shared())
}

// freeID goes through realm, role, key, id. An id is free, or it is that of a reservation that is b's now.
func (c *Call) freeID(ctx context.Context, tx *store.Tx, b tables.Block) (free bool, _ cloud.BlockCreateRep, _ error) {
	_, refusal, err := c.writable(ctx, tx, b.Realm, b.KeyIndex)
	if refusal != nil || err != nil {
		return false, refusal, err
	}
	taken, err := tables.GetBlock(ctx, tx, c.Org, b.ID)
	switch {
	case err != nil:
		return false, nil, err
	case taken != nil:
		refusal, err := c.takeOver(ctx, tx, b, taken)
		return false, refusal, err
	}
	condemned, err := tables.Condemned(ctx, tx, c.Org, b.ID)
	if err == nil && condemned {
		return false, &cloud.StoreUnavailable{}, nil
	}
	return true, nil, err
}

// freeIDStatements are what freeID asks.
func (c *Call) freeIDStatements(b tables.Block) []store.Statement {
	return c.inRealmFirst(b.Realm, tables.BlockStatement(c.Org, b.ID), tables.CondemnedStatement(c.Org, b.ID))
}

// takeOver continues what an attempt before left, unless that may still be at work.
func (c *Call) takeOver(ctx context.Context, tx *store.Tx, b tables.Block, taken *tables.Block) (cloud.BlockCreateRep, error) {
	if taken.Stored || taken.Realm != b.Realm {
		return &cloud.BlockAlreadyExists{}, nil
	}
	if c.Now.Before(taken.CreatedOn.Add(underWay)) {
		return &cloud.StoreUnavailable{}, nil
	}
	mine, err := tables.TakeOver(ctx, tx, c.Org, b, taken.CreatedOn)
	if err != nil || mine {
		return nil, err
	}
	return &cloud.StoreUnavailable{}, nil
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
		realm, err := tables.GetRealm(ctx, tx, c.Org, b.Realm)
		if err != nil {
			return nil, err
		}
		if realm == nil || realm.Deleted {
			return &cloud.RealmDeleted{}, nil
		}
		// It took so long that somebody else took over.
		now, err := tables.GetBlock(ctx, tx, c.Org, b.ID)
		if err == nil && now != nil && now.Stored {
			return &cloud.BlockAlreadyExists{}, nil
		}
		return &cloud.StoreUnavailable{}, err
	})
}

// blockRead is 3.6: realm, block, role, content.
func (s *Service) blockRead(ctx context.Context, c *Call, req *cloud.BlockReadReq) (cloud.BlockReadRep, error) {
	if rows, ok := s.Blocks.(blocks.Rows); ok {
		return s.readRow(ctx, c, rows, req)
	}
	rep := &cloud.BlockReadOK{}
	refusal, err := read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.BlockReadRep, error) {
		return c.findBlock(ctx, tx, req, rep)
	}, c.findBlockStatements(req)...)
	if refusal != nil || err != nil {
		return refusal, err
	}
	if rep.Block, err = s.content(ctx, c, req.BlockID); err != nil {
		s.Log.Error("a block cannot be read", "block", req.BlockID.String(), "error", err)
		return &cloud.StoreUnavailable{}, nil
	}
	return rep, nil
}

// findBlock goes through realm, block, role. It says in rep what belongs to the content, or returns a refusal.
func (c *Call) findBlock(ctx context.Context, tx *store.Tx, req *cloud.BlockReadReq, rep *cloud.BlockReadOK) (cloud.BlockReadRep, error) {
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
}

// findBlockStatements are what findBlock asks.
func (c *Call) findBlockStatements(req *cloud.BlockReadReq) []store.Statement {
	return c.inRealmFirst(req.RealmID, tables.BlockStatement(c.Org, req.BlockID))
}

// content returns a block, or what stands for it.
func (s *Service) content(ctx context.Context, c *Call, id trust.BlockID) ([]byte, error) {
	if o, ok := s.Blocks.(blocks.Opener); ok && c.Sends {
		content, size, err := o.Open(ctx, c.Organization, id)
		if err != nil {
			return nil, err
		}
		if size >= leastSent {
			return c.standIn(content, size), nil
		}
		_ = content.Close() // it was only looked at
	}
	content, err := blocks.Append(ctx, s.Blocks, c.room(), c.Organization, id)
	return c.fill(content), err
}
