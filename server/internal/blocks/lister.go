package blocks

import (
	"context"
	"iter"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Lister tells which blocks a store has, of one organisation after the other, of each in ascending order: so it lists every organisation once.
type Lister struct {
	store Store
	org   trust.OrganizationID
	next  func() (Entry, error, bool)
	stop  func()
	at    Entry
	more  bool
}

// NewLister makes a lister, which Stop ends.
func NewLister(s Store) *Lister { return &Lister{store: s, stop: func() {}} }

// Stop ends the use of the lister.
func (l *Lister) Stop() { l.stop() }

// Has reports whether the store has a block, which comes after the one that was asked for before.
func (l *Lister) Has(ctx context.Context, org trust.OrganizationID, id trust.BlockID) (bool, error) {
	if org != l.org || l.next == nil {
		l.stop()
		l.org = org
		l.next, l.stop = iter.Pull2(All(ctx, l.store, org))
		if err := l.step(); err != nil {
			return false, err
		}
	}
	for l.more && Past(id, &l.at.ID) {
		if err := l.step(); err != nil {
			return false, err
		}
	}
	return l.more && l.at.ID == id, nil
}

func (l *Lister) step() error {
	e, err, ok := l.next()
	l.at, l.more = e, ok
	return err
}
