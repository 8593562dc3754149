package backup

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// absent calls f for every block that the rows name and a block store does not have. Both are listed in one order.
func (b *Backup) absent(ctx context.Context, in blocks.Store, f func(wanted)) error {
	l := blocks.NewLister(in)
	defer l.Stop()
	return b.named(func(w wanted) error {
		there, err := l.Has(ctx, b.orgs[w.org], w.id)
		if err == nil && !there {
			f(w)
		}
		return errors.Join(err, ctx.Err())
	})
}
