// Package examine looks whether a block store has the blocks that rows of the metadata store name.
package examine

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/pipeline"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options say how closely to look.
type Options struct {
	// Quick does not read blocks.
	Quick bool
	// Bad hears of each block that is missing or damaged.
	Bad func(id trust.BlockID, why error)
}

// Found counts what was seen.
type Found struct {
	// Named blocks have a row, Bad ones of these are missing or damaged, and Unnamed ones have none.
	Named, Bad, Unnamed uint64
}

// page is how many rows are read at once, so that no state of the database is kept for long.
const page = 1000

// Organization looks at all blocks of an organisation. What changes meanwhile is seen as it was, or as it is.
func Organization(ctx context.Context, s *store.Store, kept blocks.Store, org tables.Organization, o Options) (found Found, err error) {
	if found.Unnamed, err = unnamed(ctx, s, kept, org); err != nil {
		return found, err
	}
	lister := blocks.NewLister(kept)
	defer lister.Stop()
	each := func(yield func(tables.Block) error) error { return named(ctx, s, org.Num, yield) }
	look := func(ctx context.Context, b tables.Block) (v verdict, err error) {
		v.Block = b
		if !o.Quick {
			v.bad, err = read(ctx, kept, org.ID, b)
		}
		return v, err
	}
	err = pipeline.Run(ctx, each, look, func(v verdict) error {
		found.Named++
		if o.Quick {
			there, err := lister.Has(ctx, org.ID, v.ID)
			if err == nil && !there { // it may have been stored after it was listed
				v.bad, err = read(ctx, kept, org.ID, v.Block)
			}
			if err != nil {
				return err
			}
		}
		if v.bad == nil {
			return nil
		}
		if gone, err := purged(ctx, s, org.Num, v.ID); err != nil || gone {
			return err
		}
		found.Bad++
		o.Bad(v.ID, v.bad)
		return nil
	})
	return found, err
}

// verdict is what a block was found to be.
type verdict struct {
	tables.Block
	bad error
}

// read says what is wrong with a block, or that the store fails.
func read(ctx context.Context, kept blocks.Store, org trust.OrganizationID, b tables.Block) (bad, err error) {
	content, err := kept.Read(ctx, org, b.ID)
	switch {
	case errors.Is(err, blocks.ErrNotFound) || errors.Is(err, blocks.ErrCorrupt):
		return err, nil
	case err == nil && uint64(len(content)) != b.Size:
		return fmt.Errorf("%w: it has %d bytes, and %d were stored", blocks.ErrCorrupt, len(content), b.Size), nil
	}
	return nil, err
}

// named calls f for every block that is stored, in ascending order.
func named(ctx context.Context, s *store.Store, org int64, f func(tables.Block) error) error {
	after := trust.BlockID{}
	for first := true; ; first = false {
		var some []tables.Block
		err := s.Read(ctx, func(tx *store.Tx) (err error) {
			some, err = tables.StoredBlocks(ctx, tx, org, after, first, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, b := range some {
			if err := f(b); err != nil {
				return err
			}
		}
		if len(some) < page {
			return nil
		}
		after = some[len(some)-1].ID
	}
}

// purged reports whether a block has lost its row, or was not stored, since it was read.
func purged(ctx context.Context, s *store.Store, org int64, id trust.BlockID) (gone bool, err error) {
	err = s.Read(ctx, func(tx *store.Tx) error {
		b, err := tables.GetBlock(ctx, tx, org, id)
		gone = b == nil || !b.Stored
		return err
	})
	return gone, err
}

// unnamed counts the blocks without a row, not even a reserved one.
func unnamed(ctx context.Context, s *store.Store, kept blocks.Store, org tables.Organization) (n uint64, err error) {
	for e, err := range blocks.All(ctx, kept, org.ID) {
		if err != nil {
			return n, err
		}
		var b *tables.Block
		err := s.Read(ctx, func(tx *store.Tx) (err error) {
			b, err = tables.GetBlock(ctx, tx, org.Num, e.ID)
			return err
		})
		if err != nil {
			return n, err
		}
		if b == nil {
			n++
		}
	}
	return n, nil
}
