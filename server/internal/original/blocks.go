package original

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/pipeline"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// wanted is a block that rows name.
type wanted struct {
	id   trust.BlockID
	size int64
}

// named calls f for every block of an organisation, in ascending order.
func (i *Import) named(ctx context.Context, t *there, o tenant, f func(wanted) error) error {
	for n := range i.plan {
		s := &i.plan[n]
		if s.Name != blockTable {
			continue
		}
		return t.each(ctx, s, o, func(row []any) error {
			id, one := s.value(row)("id").([]byte)
			size, two := s.value(row)("size").(int64)
			if !one || !two || len(id) != len(trust.BlockID{}) {
				return fmt.Errorf("a block is named %x", id)
			}
			return f(wanted{trust.BlockID(id), size})
		})
	}
	return nil
}

// blocks copies the content of all blocks, and reads what it wrote. What was copied before is only compared.
func (i *Import) blocks(ctx context.Context, t *there, id trust.OrganizationID, o tenant, r *Report) error {
	each := func(yield func(wanted) error) error { return i.named(ctx, t, o, yield) }
	work := func(ctx context.Context, w wanted) (lost bool, err error) {
		if lost, err = i.copyBlock(ctx, id, w); err != nil {
			err = fmt.Errorf("block %s: %w", w.id, err)
		}
		return lost, err
	}
	return pipeline.Run(ctx, each, work, func(lost bool) error {
		r.Blocks++
		if lost {
			r.Lost++
		}
		i.Progress(*r)
		return nil
	})
}

func (i *Import) copyBlock(ctx context.Context, org trust.OrganizationID, w wanted) (lost bool, err error) {
	content, err := i.FromBlocks.Read(ctx, org, w.id)
	if err == nil && int64(len(content)) != w.size {
		err = fmt.Errorf("%w: it has %d bytes, and %d were stored", blocks.ErrCorrupt, len(content), w.size)
	}
	if i.TolerateLost && (errors.Is(err, blocks.ErrNotFound) || errors.Is(err, blocks.ErrCorrupt)) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if err := i.ToBlocks.Create(ctx, org, w.id, content); err != nil {
		return false, err
	}
	copied, err := i.ToBlocks.Read(ctx, org, w.id)
	if err == nil && subtle.ConstantTimeCompare(content, copied) != 1 {
		err = differs("its content is another one")
	}
	return false, err
}

// try reads all rows, and looks which blocks are there.
func (i *Import) try(ctx context.Context, t *there, id trust.OrganizationID, o tenant, r *Report) error {
	for n := range i.plan {
		s := &i.plan[n]
		err := t.each(ctx, s, o, func(row []any) error {
			r.Rows++
			i.Progress(*r)
			_, err := i.keeper.keep(s, 1, row)
			return err
		})
		if err != nil {
			return err
		}
	}
	l := blocks.NewLister(i.FromBlocks)
	defer l.Stop()
	return i.named(ctx, t, o, func(w wanted) error {
		r.Blocks++
		there, err := l.Has(ctx, id, w.id)
		if !there {
			r.Lost++
		}
		return err
	})
}
