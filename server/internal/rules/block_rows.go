package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// addBlock is blockCreate where blocks are rows of the same database: content and row are there together, or neither is. The content goes to the database before the
// realm is locked, so that others wait for the commit alone; a refusal takes it back. Whoever removes content has condemned it before, which is seen under the lock.
func (s *Service) addBlock(ctx context.Context, c *Call, rows blocks.Rows, b tables.Block, content []byte) (cloud.BlockCreateRep, error) {
	contentFirst := func(ctx context.Context, locks []store.Lock, f func(*store.Tx) error) error {
		return s.Store.Write(ctx, nil, func(tx *store.Tx) error {
			if err := rows.Put(ctx, tx, c.Organization, b.ID, content); err != nil {
				return err
			}
			if err := tx.Lock(ctx, locks...); err != nil {
				return err
			}
			return f(tx)
		})
	}
	var refusal cloud.BlockCreateRep
	rep, err := writeWith(ctx, contentFirst, c, c.inBlocks(b.Realm), func(tx *store.Tx, _ *tables.Author) (_ cloud.BlockCreateRep, err error) {
		var free bool
		if free, refusal, err = c.freeID(ctx, tx, b); refusal != nil {
			return nil, errRefused
		}
		switch {
		case err != nil:
			return nil, err
		case free:
			return &cloud.OK{}, tables.AddBlock(ctx, tx, c.Org, b)
		}
		// It was taken over in this transaction.
		if confirmed, err := tables.ConfirmBlock(ctx, tx, c.Org, b); err != nil || !confirmed {
			return nil, errors.Join(errDamaged, err)
		}
		return &cloud.OK{}, nil
	}, c.freeIDStatements(b))
	switch {
	case errors.Is(err, errRefused):
		return refusal, nil
	case errors.Is(err, store.ErrFull):
		s.Log.Error("a block cannot be stored", "block", b.ID.String(), "error", err)
		return &cloud.StoreUnavailable{}, nil
	}
	return rep, err
}

// errRefused takes back what a transaction wrote before it was found out that it must not.
var errRefused = errors.New("the command was refused")

// readRow is blockRead where blocks are rows of the same database.
func (s *Service) readRow(ctx context.Context, c *Call, rows blocks.Rows, req *cloud.BlockReadReq) (cloud.BlockReadRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.BlockReadRep, error) {
		rep := &cloud.BlockReadOK{}
		refusal, err := c.findBlock(ctx, tx, req, rep)
		if refusal != nil || err != nil {
			return refusal, err
		}
		content, err := rows.Get(ctx, tx, c.room(), c.Organization, req.BlockID)
		rep.Block = c.fill(content)
		if errors.Is(err, blocks.ErrNotFound) || errors.Is(err, blocks.ErrCorrupt) {
			s.Log.Error("a block cannot be read", "block", req.BlockID.String(), "error", err)
			return &cloud.StoreUnavailable{}, nil
		}
		return rep, err
	}, append(c.findBlockStatements(req), rows.Statement(c.Organization, req.BlockID))...)
}
