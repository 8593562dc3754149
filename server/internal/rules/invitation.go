package rules

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// purposeInvitation is what tokens of invitations are digested and sealed for.
const purposeInvitation = "invitation token"

// inInvitations are the locks of a command that changes invitations or what they are used for: it relies on the users being who they are, and
// on the set-ups of shared recoveries.
func (c *Call) inInvitations() []store.Lock {
	return []store.Lock{store.Common(c.Org).Shared(), store.Shamir(c.Org).Shared(), store.Invitation(c.Org)}
}

// invitationRow is what a sealed token belongs to.
func invitationRow(org, num int64) []byte {
	row := binary.BigEndian.AppendUint64(nil, uint64(org)) //nolint:gosec // never negative
	return binary.BigEndian.AppendUint64(row, uint64(num)) //nolint:gosec // never negative
}

// invitationToken returns the token of an invitation.
func (s *Service) invitationToken(org int64, i *tables.Invitation) (trust.AccessToken, error) {
	b, err := s.Secrets.Open(purposeInvitation, invitationRow(org, i.Num), i.Sealed)
	if err != nil {
		return trust.AccessToken{}, err
	}
	defer clear(b)
	return trust.NewAccessToken(b)
}

// seal puts a token into an invitation that has its number.
func (s *Service) seal(org int64, i *tables.Invitation, token trust.AccessToken) error {
	b, err := token.Export()
	if err != nil {
		return err
	}
	defer clear(b)
	i.Digest, i.Sealed = s.Secrets.Digest(purposeInvitation, b), s.Secrets.Seal(purposeInvitation, invitationRow(org, i.Num), b)
	return nil
}

// invitationState is that of an invitation now: one whose set-up was deleted is cancelled.
func invitationState(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation) (tables.InvitationState, error) {
	if i.State != tables.Pending || i.Kind != tables.ForShamirRecovery {
		return i.State, nil
	}
	setup, err := findSetup(ctx, tx, org, *i.Claimer, i.SetupOn)
	if err != nil || setup == nil || setup.deleted {
		return tables.Cancelled, err
	}
	return tables.Pending, nil
}

// greeters returns all who may greet now.
func greeters(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation) (all []tables.User, err error) {
	shares := map[trust.UserID]uint8{}
	if i.Kind == tables.ForShamirRecovery {
		setup, err := findSetup(ctx, tx, org, *i.Claimer, i.SetupOn)
		if err != nil {
			return nil, err
		}
		if setup != nil {
			shares = setup.shares
		}
	}
	err = tables.Users(ctx, tx, org, func(u tables.User) error {
		if u.RevokedOn == nil && greets(i, shares, &u) {
			all = append(all, u)
		}
		return nil
	})
	return all, err
}

// greets reports whether a user may greet, for a shared recovery with the shares of its set-up.
func greets(i *tables.Invitation, shares map[trust.UserID]uint8, u *tables.User) bool {
	switch i.Kind {
	case tables.ForUser:
		return admin(u.Profile)
	case tables.ForDevice:
		return *i.Claimer == u.ID
	case tables.ForShamirRecovery:
	}
	_, recipient := shares[u.ID]
	return recipient
}

// mayGreet is greets for one user.
func mayGreet(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation, u *tables.User) (bool, error) {
	if i.Kind != tables.ForShamirRecovery {
		return greets(i, nil, u), nil
	}
	setup, err := findSetup(ctx, tx, org, *i.Claimer, i.SetupOn)
	if err != nil || setup == nil {
		return false, err
	}
	return greets(i, setup.shares, u), nil
}

// maxAudience is how many users one event names: PostgreSQL's messages are short.
const maxAudience = 200

// emitInvitation tells all who may greet what became of an invitation. Those that were administrators once are no greeters any more, so users are
// named.
func emitInvitation(ctx context.Context, tx *store.Tx, c *Call, i *tables.Invitation, token trust.AccessToken, status cloud.InvitationStatus) error {
	all, err := greeters(ctx, tx, c.Org, i)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(all, maxAudience) {
		ids := []trust.UserID{}
		for _, u := range some {
			ids = append(ids, u.ID)
		}
		e, err := events.New(c.Org, events.To(ids...), &cloud.EventInvitation{Token: token, InvitationStatus: status})
		if err != nil {
			return err
		}
		tx.Emit(e)
	}
	return nil
}

// handleOf is who a user is.
func handleOf(u *tables.User) (trust.HumanHandle, error) {
	return trust.NewHumanHandle(u.Email, u.Label)
}

// createdBy says who made an invitation.
func createdBy(ctx context.Context, tx *store.Tx, org int64, i *tables.Invitation) (*cloud.CreatedByUser, error) {
	u, err := tables.GetUser(ctx, tx, org, i.CreatedBy)
	if err != nil {
		return nil, err
	}
	h, err := handleOf(u)
	return &cloud.CreatedByUser{UserID: u.ID, HumanHandle: h}, err
}
