package rules

import (
	"context"
	"errors"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// auditKept is how long records of the audit log are kept.
const auditKept = 400 * 24 * time.Hour

// administration ends erasures, and forgets what administrators did long ago.
func (c *Collector) administration(ctx context.Context) error {
	now, err := trust.DateTimeOf(c.Clock())
	if err != nil {
		return err
	}
	gone, err := c.Service.EndErasures(ctx, now)
	errs := []error{err}
	for _, e := range gone {
		errs = append(errs, c.erased(ctx, e, now))
	}
	return errors.Join(errors.Join(errs...), c.dropAudits(ctx, now.Add(-auditKept)))
}

func (c *Collector) dropAudits(ctx context.Context, before trust.DateTime) error {
	for more := true; more; {
		err := c.Service.Store.Write(ctx, nil, func(tx *store.Tx) (err error) {
			more, err = tables.DropAudits(ctx, tx, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
