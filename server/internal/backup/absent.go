package backup

import (
	"context"
	"errors"
	"iter"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// absent calls f for every block that the rows name and a block store does not have. Both are listed in one order.
func (b *Backup) absent(ctx context.Context, in blocks.Store, f func(wanted)) error {
	l := lister{store: in, stop: func() {}}
	defer func() { l.stop() }()
	return b.named(func(w wanted) error {
		there, err := l.has(ctx, b.orgs[w.org], w)
		if err == nil && !there {
			f(w)
		}
		return errors.Join(err, ctx.Err())
	})
}

// lister goes through the blocks of one organisation after the other.
type lister struct {
	store blocks.Store
	org   trust.OrganizationID
	next  func() (blocks.Entry, error, bool)
	stop  func()
	at    blocks.Entry
	more  bool
}

func (l *lister) has(ctx context.Context, org trust.OrganizationID, w wanted) (bool, error) {
	if org != l.org || l.next == nil {
		l.stop()
		l.org = org
		l.next, l.stop = iter.Pull2(blocks.All(ctx, l.store, org))
		if err := l.step(); err != nil {
			return false, err
		}
	}
	for l.more && blocks.Past(w.id, &l.at.ID) {
		if err := l.step(); err != nil {
			return false, err
		}
	}
	return l.more && l.at.ID == w.id, nil
}

func (l *lister) step() error {
	e, err, ok := l.next()
	l.at, l.more = e, ok
	return err
}
