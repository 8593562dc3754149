package rules

import (
	"cmp"
	"context"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteInfo is 3.7: who invites, and who may greet.
func (s *Service) inviteInfo(ctx context.Context, c *Call, _ *cloud.InviteInfoReq) (cloud.InviteInfoRep, error) {
	return readGuest(ctx, s, c, func(tx *store.Tx, i *tables.Invitation) (cloud.InviteInfoRep, error) {
		by, err := createdBy(ctx, tx, c.Org, i)
		if err != nil {
			return nil, err
		}
		if i.Kind == tables.ForUser {
			return userInfo(ctx, tx, c.Org, i, by)
		}
		claimer, err := tables.GetUser(ctx, tx, c.Org, *i.Claimer)
		if err != nil {
			return nil, err
		}
		who, err := handleOf(claimer)
		if err != nil {
			return nil, err
		}
		if i.Kind == tables.ForDevice {
			return &cloud.InviteInfoDevice{ClaimerUserID: claimer.ID, ClaimerHumanHandle: who, CreatedBy: by}, nil
		}
		rep := &cloud.InviteInfoShamirRecovery{ClaimerUserID: claimer.ID, ClaimerHumanHandle: who, CreatedBy: by}
		return rep, fillRecovery(ctx, tx, c.Org, i, rep)
	})
}

func userInfo(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation, by cloud.InvitationCreatedBy) (*cloud.InviteInfoUser, error) {
	email, err := trust.NewEmailAddress(*i.Email)
	if err != nil {
		return nil, err
	}
	admins, err := greeters(ctx, tx, org, i)
	if err != nil {
		return nil, err
	}
	joined, err := tables.LastJoined(ctx, tx, org, i.Num)
	if err != nil {
		return nil, err
	}
	rep := &cloud.InviteInfoUser{ClaimerEmail: email, CreatedBy: by, Administrators: []cloud.UserGreetingAdministrator{}}
	for _, u := range admins {
		who, err := handleOf(&u)
		if err != nil {
			return nil, err
		}
		greeter := cloud.UserGreetingAdministrator{UserID: u.ID, HumanHandle: who, OnlineStatus: cloud.UserUnknown}
		if at, ok := joined[u.ID]; ok {
			greeter.LastGreetingAttemptJoinedOn = &at
		}
		rep.Administrators = append(rep.Administrators, greeter)
	}
	slices.SortStableFunc(rep.Administrators, func(a, b cloud.UserGreetingAdministrator) int { return byLabel(a.HumanHandle, b.HumanHandle) })
	return rep, nil
}

// fillRecovery says who has shares, those that were revoked too.
func fillRecovery(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation, rep *cloud.InviteInfoShamirRecovery) error {
	of, err := findSetup(ctx, tx, org, *i.Claimer, i.SetupOn)
	if err != nil {
		return err
	}
	rep.ShamirRecoveryCreatedOn, rep.Threshold, rep.Recipients = of.createdOn, of.threshold, []cloud.ShamirRecoveryRecipient{}
	for id, shares := range of.shares {
		u, err := tables.GetUser(ctx, tx, org, id)
		if err != nil {
			return err
		}
		who, err := handleOf(u)
		if err != nil {
			return err
		}
		rep.Recipients = append(rep.Recipients, cloud.ShamirRecoveryRecipient{
			UserID: id, HumanHandle: who, Shares: shares, RevokedOn: u.RevokedOn, OnlineStatus: cloud.UserUnknown,
		})
	}
	slices.SortFunc(rep.Recipients, func(a, b cloud.ShamirRecoveryRecipient) int {
		return cmp.Or(byLabel(a.HumanHandle, b.HumanHandle), slices.Compare(a.UserID[:], b.UserID[:]))
	})
	return nil
}

func byLabel(a, b trust.HumanHandle) int { return cmp.Compare(a.Label.String(), b.Label.String()) }
