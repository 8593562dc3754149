package rules

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/clean"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Collector removes what nothing refers to. Several processes may collect at once.
type Collector struct {
	Service *Service
	// Clock is the time of the server.
	Clock func() time.Time
}

// Run collects again and again, with a pause between, until the context ends.
func (c *Collector) Run(ctx context.Context, pause time.Duration) {
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if err := c.Collect(ctx); err != nil && ctx.Err() == nil {
			c.Service.Log.Warn("not all that nothing refers to could be removed", "error", err)
		}
	}
}

// Collect goes once over all organisations: it ends purges that were interrupted, gives up blocks that nobody came to an end with for a
// day, and removes content without a row that is as old.
func (c *Collector) Collect(ctx context.Context) error {
	var all []tables.Organization
	err := c.Service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = tables.Organizations(ctx, tx)
		return err
	})
	errs := []error{err, c.administration(ctx)}
	for _, o := range all {
		if err := c.organization(ctx, o); err != nil {
			errs = append(errs, fmt.Errorf("organisation %s: %w", o.ID, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (c *Collector) organization(ctx context.Context, o tables.Organization) error {
	now, err := trust.DateTimeOf(c.Clock())
	if err != nil {
		return err
	}
	var half []trust.RealmID
	err = c.Service.Store.Read(ctx, func(tx *store.Tx) (err error) {
		half, err = tables.HalfPurged(ctx, tx, o.Num)
		return err
	})
	for _, id := range half {
		err = errors.Join(err, c.Service.purge(ctx, o.Num, id))
	}
	if err != nil {
		return err
	}
	for more := true; more; {
		err := c.Service.Store.Write(ctx, []store.Lock{store.Blocks(o.Num)}, func(tx *store.Tx) (err error) {
			more, err = tables.DropReserved(ctx, tx, o.Num, now.Add(-clean.DefaultAge))
			return err
		})
		if err != nil {
			return err
		}
	}
	report, err := clean.Sweep(ctx, c.Service.Blocks, &Rows{Service: c.Service, Clock: c.Clock}, o.ID, clean.DefaultAge)
	if report.Removed > 0 {
		c.Service.Log.Info("blocks that nothing refers to were removed", "organization", o.ID.String(), "removed", report.Removed, "kept", report.Kept)
	}
	return err
}
