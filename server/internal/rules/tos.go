package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// tosGet is 3.13.
func (s *Service) tosGet(ctx context.Context, c *Call, _ *cloud.TOSGetReq) (cloud.TOSGetRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.TOSGetRep, error) {
		o, err := tables.GetOrganization(ctx, tx, c.Org)
		if err != nil {
			return nil, err
		}
		if o.TOS == nil {
			return &cloud.NoTOS{}, nil
		}
		return &cloud.TOSGetOK{PerLocaleURLs: o.TOS.URLs, UpdatedOn: o.TOS.UpdatedOn}, nil
	})
}

// tosAccept is 3.13: terms, their moment.
func (s *Service) tosAccept(ctx context.Context, c *Call, req *cloud.TOSAcceptReq) (cloud.TOSAcceptRep, error) {
	locks := []store.Lock{store.Organization(c.Org).Shared(), store.User(c.Org, c.User)}
	return write(ctx, s, c, locks, func(tx *store.Tx, a *tables.Author) (cloud.TOSAcceptRep, error) {
		if a.TOSUpdatedOn == nil {
			return &cloud.NoTOS{}, nil
		}
		if *a.TOSUpdatedOn != req.TOSUpdatedOn {
			return &cloud.TOSMismatch{}, nil
		}
		tx.Emit(events.Silent(c.Org, events.Effect{Kind: events.Forget, User: &c.User}))
		// Terms that are dated ahead of the clock are accepted all the same.
		accepted := c.Now
		if accepted.Before(*a.TOSUpdatedOn) {
			accepted = *a.TOSUpdatedOn
		}
		return &cloud.OK{}, tables.AcceptTOS(ctx, tx, c.Org, c.User, accepted)
	})
}
