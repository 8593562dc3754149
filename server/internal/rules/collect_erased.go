package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/clean"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// erased removes the content of an organisation of which nothing else is left, and then lets its name be used again. Until then nobody can make an
// organisation with that name, so that all content under it is the erased one's; what a backup holds stays until a later collection.
func (c *Collector) erased(ctx context.Context, e tables.Erased, now trust.DateTime) error {
	var broken error
	report, err := clean.Purge(ctx, c.Service.Blocks, &Rows{Service: c.Service, Clock: c.Clock, erased: e.Num}, e.ID, func(yield func(trust.BlockID) bool) {
		for entry, err := range blocks.All(ctx, c.Service.Blocks, e.ID) {
			if err != nil {
				broken = fmt.Errorf("cannot list the blocks of %s: %w", e.ID, err)
				return
			}
			if !yield(entry.ID) {
				return
			}
		}
	})
	if report.Removed > 0 {
		c.Service.Log.Info("blocks of an organisation that was erased were removed", "organization", e.ID.String(), "removed", report.Removed, "kept", report.Kept)
	}
	if err := errors.Join(err, broken); err != nil || report.Kept > 0 {
		return err
	}
	left, err := c.Service.Blocks.List(ctx, e.ID, nil, 1)
	if err != nil || len(left) > 0 {
		return err
	}
	for more := true; more; {
		err := c.Service.Store.Write(ctx, []store.Lock{store.Blocks(e.Num)}, func(tx *store.Tx) (err error) {
			if more, err = tables.DropCondemned(ctx, tx, e.Num); err != nil || more {
				return err
			}
			return tables.MarkBlocksGone(ctx, tx, e.Num, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
