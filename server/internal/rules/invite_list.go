package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteList is 3.7: those that the caller may greet, whatever became of them.
func (s *Service) inviteList(ctx context.Context, c *Call, _ *cloud.InviteListReq) (cloud.InviteListRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.InviteListRep, error) {
		all, err := tables.Invitations(ctx, tx, c.Org, c.User, admin(a.Profile))
		if err != nil {
			return nil, err
		}
		rep := &cloud.InviteListOK{Invitations: []cloud.InviteListItem{}}
		for _, i := range all {
			item, err := s.listed(ctx, tx, c, &i)
			if err != nil {
				return nil, err
			}
			if item != nil {
				rep.Invitations = append(rep.Invitations, item)
			}
		}
		return rep, nil
	})
}

// listed is an invitation as a list shows it, nil for a shared recovery of which the caller has no share.
func (s *Service) listed(ctx context.Context, tx *store.Tx, c *Call, i *tables.Invitation) (cloud.InviteListItem, error) {
	if i.Kind == tables.ForShamirRecovery {
		of, err := findSetup(ctx, tx, c.Org, *i.Claimer, i.SetupOn)
		if err != nil || of == nil || of.shares[c.User] == 0 {
			return nil, err
		}
	}
	token, err := s.invitationToken(c.Org, i)
	if err != nil {
		return nil, err
	}
	by, err := createdBy(ctx, tx, c.Org, i)
	if err != nil {
		return nil, err
	}
	now, err := invitationState(ctx, tx, c.Org, i)
	if err != nil {
		return nil, err
	}
	switch i.Kind {
	case tables.ForUser:
		email, err := trust.NewEmailAddress(*i.Email)
		return &cloud.InviteListItemUser{ClaimerEmail: email, CreatedBy: by, CreatedOn: i.CreatedOn, Status: statuses[now], Token: token}, err
	case tables.ForDevice:
		return &cloud.InviteListItemDevice{CreatedBy: by, CreatedOn: i.CreatedOn, Status: statuses[now], Token: token}, nil
	case tables.ForShamirRecovery:
	}
	return &cloud.InviteListItemShamirRecovery{
		ClaimerUserID: *i.Claimer, ShamirRecoveryCreatedOn: *i.SetupOn, CreatedBy: by, CreatedOn: i.CreatedOn, Status: statuses[now], Token: token,
	}, nil
}

// statuses are what clients know states as.
var statuses = map[tables.InvitationState]cloud.InvitationStatus{
	tables.Pending: cloud.InvitationIsPending, tables.Finished: cloud.InvitationIsFinished, tables.Cancelled: cloud.InvitationIsCancelled,
}
