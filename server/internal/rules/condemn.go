package rules

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/clean"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Rows is what a cleaner of the block store asks of the rows.
type Rows struct {
	Service *Service
	// Clock is the time of the server.
	Clock func() time.Time
	// erased is the number of an organisation that has a name only.
	erased int64
}

var _ clean.Rows = (*Rows)(nil)

// Condemn implements clean.Rows. While a backup is at work nothing is condemned: it copies what rows named when it began.
func (r *Rows) Condemn(ctx context.Context, id trust.OrganizationID, ids []trust.BlockID) (condemned []trust.BlockID, err error) {
	now, err := trust.DateTimeOf(r.Clock())
	if err != nil {
		return nil, err
	}
	err = r.change(ctx, id, func(tx *store.Tx, org int64) error {
		condemned = nil // a transaction may be run again
		if free, err := tx.Unheld(ctx); err != nil || !free {
			return err
		}
		for _, b := range ids {
			free, err := tables.Condemn(ctx, tx, org, b, now, now.Add(-clean.Hold))
			if err != nil {
				return err
			}
			if free {
				condemned = append(condemned, b)
			}
		}
		return nil
	})
	return condemned, err
}

// Release implements clean.Rows.
func (r *Rows) Release(ctx context.Context, id trust.OrganizationID, ids []trust.BlockID) error {
	return r.change(ctx, id, func(tx *store.Tx, org int64) error {
		for _, b := range ids {
			if err := tables.Release(ctx, tx, org, b); err != nil {
				return err
			}
		}
		return nil
	})
}

// change has the blocks of an organisation to itself. Of one that is not there nothing is condemned.
func (r *Rows) change(ctx context.Context, id trust.OrganizationID, f func(*store.Tx, int64) error) error {
	if r.erased > 0 {
		return r.Service.Store.Write(ctx, []store.Lock{store.Blocks(r.erased)}, func(tx *store.Tx) error { return f(tx, r.erased) })
	}
	o, err := r.Service.Locate(ctx, id, false, trust.DateTime{})
	if err != nil || o == nil {
		return err
	}
	return r.Service.Store.Write(ctx, []store.Lock{store.Blocks(o.Num)}, func(tx *store.Tx) error { return f(tx, o.Num) })
}
