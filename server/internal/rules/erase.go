package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// EraseOrganization removes an organisation for good: from its first transaction on it is unknown to everybody, then its rows go some at a time,
// and its blocks are condemned, which the collector removes from the block store. Until that is done nobody makes an organisation with
// its name. It may be called again for one whose rows are not all removed; what has begun, the collector ends otherwise.
func (s *Service) EraseOrganization(ctx context.Context, by Administrator, id trust.OrganizationID) (begun bool, err error) {
	num, err := s.markErased(ctx, by, id)
	if err != nil {
		return false, err
	}
	return true, s.eraseRows(ctx, num)
}

// markErased takes an organisation away, and returns its number. Of one that was marked before it only returns that.
func (s *Service) markErased(ctx context.Context, by Administrator, id trust.OrganizationID) (num int64, err error) {
	locks := func(org int64) []store.Lock {
		return []store.Lock{
			store.Server(), store.Organization(org), store.Common(org), store.Sequester(org), store.Shamir(org), store.Enrollment(org), store.Invitation(org),
		}
	}
	o, err := s.Locate(ctx, id, false, by.Now)
	if err != nil {
		return 0, err
	}
	if o == nil {
		if num, err = s.beingErased(ctx, id); num > 0 || err != nil {
			return num, err
		}
	}
	err = s.administerIn(ctx, by, act{"erase organisation", id, ""}, locks, func(tx *store.Tx, o *tables.Organization) error {
		num = o.Num
		tx.Emit(events.Silent(o.Num, events.Effect{Kind: events.Disconnect}))
		return tables.MarkErased(ctx, tx, o, by.Now)
	})
	return num, err
}

func (s *Service) beingErased(ctx context.Context, id trust.OrganizationID) (num int64, err error) {
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		num, err = tables.BeingErased(ctx, tx, id)
		return err
	})
	return num, err
}

// eraseRows removes what an organisation has that was marked, some rows at a time.
func (s *Service) eraseRows(ctx context.Context, org int64) error {
	for more := true; more; {
		err := s.Store.Write(ctx, []store.Lock{store.Blocks(org)}, func(tx *store.Tx) (err error) {
			more, err = tables.EraseSome(ctx, tx, org)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// EndErasures removes the rows of organisations that were erased, once more where a request was at work that began before. It returns the
// organisations of which only blocks are left: those that are condemned, and what a request under way stored last.
func (s *Service) EndErasures(ctx context.Context, now trust.DateTime) (gone []tables.Erased, err error) {
	var half []tables.Erased
	err = s.Store.Read(ctx, func(tx *store.Tx) error {
		half, err = tables.HalfErased(ctx, tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, e := range half {
		if !e.RowsGone {
			if err := s.eraseRows(ctx, e.Num); err != nil {
				return gone, err
			}
			if now.Before(e.ErasedOn.Add(underWay)) {
				continue
			}
			err := s.Store.Write(ctx, nil, func(tx *store.Tx) error { return tables.MarkRowsGone(ctx, tx, e.Num, now) })
			if err != nil {
				return gone, err
			}
			e.RowsGone = true
		}
		gone = append(gone, e)
	}
	return gone, nil
}
