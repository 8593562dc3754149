package clean

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Rows is what the cleaner asks of the metadata store.
type Rows interface {
	// Condemn returns those of at most Batch ids that have no row, not even one that is
	// reserved for a creation under way, and that nobody condemned within the last Hold.
	// Until they are released nobody can make a row for them. It is atomic and durable.
	Condemn(ctx context.Context, org trust.OrganizationID, ids []trust.BlockID) ([]trust.BlockID, error)
	// Release lets rows be made again for ids that Condemn returned.
	Release(ctx context.Context, org trust.OrganizationID, ids []trust.BlockID) error
}

const (
	// Batch is how many ids are condemned at a time.
	Batch = 200
	// Hold is how long what was condemned belongs to the cleaner that did it.
	Hold = time.Hour
	// DefaultAge is how old a block is before Sweep asks whether it has a row.
	DefaultAge = 24 * time.Hour

	// maxFailures is when a cleaner gives up.
	maxFailures = 20
	// releaseLimit bounds the release after the cleaner was told to stop.
	releaseLimit = 30 * time.Second
)

// Report counts what was done.
type Report struct {
	Seen    int // blocks of the store, or ids that were given
	Young   int // left alone for their age
	Kept    int // have a row, or belong to another cleaner
	Removed int
	Failed  int // could not be removed; a later cleaner tries again
}

// Sweep removes the blocks of an organisation that have no row and are older than age. The
// age is for clocks of stores, and for rows that come from a backup; that no wanted block
// is removed does not stand on it.
func Sweep(ctx context.Context, store blocks.Store, rows Rows, org trust.OrganizationID, age time.Duration) (Report, error) {
	c := cleaner{store: store, rows: rows, org: org}
	if age < time.Hour {
		return c.report, fmt.Errorf("%w: an age of %v is below an hour", blocks.ErrInvalid, age)
	}
	var broken error
	err := c.run(ctx, func(yield func(trust.BlockID) bool) {
		for e, err := range blocks.All(ctx, store, org) {
			if err != nil {
				broken = fmt.Errorf("cannot list the blocks of %s: %w", org, err)
				return
			}
			if time.Since(e.Modified) < age {
				c.report.Seen++
				c.report.Young++
			} else if !yield(e.ID) {
				return
			}
		}
	})
	if err == nil {
		err = broken
	}
	return c.report, err
}

// Purge removes given blocks at once, such as those of a realm whose rows were deleted. It
// keeps those that have a row.
func Purge(ctx context.Context, store blocks.Store, rows Rows, org trust.OrganizationID, ids iter.Seq[trust.BlockID]) (Report, error) {
	c := cleaner{store: store, rows: rows, org: org}
	err := c.run(ctx, ids)
	return c.report, err
}

// cleaner is one run.
type cleaner struct {
	store  blocks.Store
	rows   Rows
	org    trust.OrganizationID
	report Report
	first  error // the first block that could not be removed
}

// run removes ids by batches. It goes on after some that cannot be removed.
func (c *cleaner) run(ctx context.Context, ids iter.Seq[trust.BlockID]) error {
	batch := make([]trust.BlockID, 0, Batch)
	for id := range ids {
		c.report.Seen++
		if batch = append(batch, id); len(batch) < Batch {
			continue
		}
		if err := c.remove(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	if err := c.remove(ctx, batch); err != nil {
		return err
	}
	return c.first
}

// remove condemns a batch, removes what was condemned, and releases what was removed.
func (c *cleaner) remove(ctx context.Context, batch []trust.BlockID) error {
	if len(batch) == 0 {
		return nil
	}
	// No request may be under way when another cleaner takes over.
	held, cancel := context.WithTimeout(ctx, Hold/2)
	defer cancel()
	condemned, err := c.rows.Condemn(held, c.org, batch)
	if err != nil {
		return fmt.Errorf("cannot condemn blocks of %s: %w", c.org, err)
	}
	c.report.Kept += len(batch) - len(condemned)
	removed := make([]trust.BlockID, 0, len(condemned))
	for i, id := range condemned {
		if c.report.Failed >= maxFailures || held.Err() != nil {
			c.report.Failed += len(condemned) - i
			break
		}
		if err := c.store.Delete(held, c.org, id); err != nil {
			c.report.Failed++
			if c.first == nil {
				c.first = fmt.Errorf("cannot remove block %s of %s: %w", id, c.org, err)
			}
			continue
		}
		removed = append(removed, id)
	}
	c.report.Removed += len(removed)
	if err := c.release(ctx, removed); err != nil {
		return err
	}
	if c.report.Failed >= maxFailures {
		return fmt.Errorf("%d blocks could not be removed: %w", c.report.Failed, c.first)
	}
	return ctx.Err()
}

// release is done also when the cleaner is told to stop.
func (c *cleaner) release(ctx context.Context, removed []trust.BlockID) error {
	if len(removed) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if err := c.rows.Release(ctx, c.org, removed); err != nil {
		return fmt.Errorf("cannot release blocks of %s: %w", c.org, err)
	}
	return nil
}
