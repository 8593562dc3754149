package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// userRevoke is 3.4: author, certificate not about oneself, user, already revoked, monotony. It must be newer than all that the user may
// have done in realms, and than shared recoveries that name them: a recovery whose recipient had gone before is refused by everyone who gets it.
func (s *Service) userRevoke(ctx context.Context, c *Call, req *cloud.UserRevokeReq) (cloud.UserRevokeRep, error) {
	revoked, ok := verify[*trust.RevokedUserCertificate](req.RevokedUserCertificate, c.signer())
	refusal := cloud.UserRevokeRep(nil)
	if !ok {
		refusal = &cloud.InvalidCertificate{}
	} else if late := c.outOfBallpark(revoked.Timestamp); late != nil {
		refusal = late
	} else if revoked.UserID == c.User {
		refusal = &cloud.InvalidCertificate{}
	}
	if refusal != nil {
		return refuse[cloud.UserRevokeRep](ctx, s, c, admin, refusal, &cloud.AuthorNotAllowed{})
	}
	return write(ctx, s, c, []store.Lock{store.Common(c.Org)}, func(tx *store.Tx, a *tables.Author) (cloud.UserRevokeRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		user, err := tables.GetUser(ctx, tx, c.Org, revoked.UserID)
		switch {
		case err != nil:
			return nil, err
		case user == nil:
			return &cloud.UserNotFound{}, nil
		case user.RevokedOn != nil:
			return &cloud.UserAlreadyRevoked{LastCommonCertificateTimestamp: *user.RevokedOn}, nil
		}
		moments, err := c.momentsOf(ctx, tx, revoked.UserID)
		if err != nil {
			return nil, err
		}
		recovery, err := tables.LastShamir(ctx, tx, c.Org, revoked.UserID)
		if err != nil {
			return nil, err
		}
		if late := notAbove(revoked.Timestamp, append(moments, recovery, a.Common)...); late != nil {
			return late, nil
		}
		if err := tables.RevokeUser(ctx, tx, c.Org, revoked); err != nil {
			return nil, err
		}
		if err := tables.AddCommon(ctx, tx, c.Org, tables.Certificate{SignedOn: revoked.Timestamp, Signed: req.RevokedUserCertificate}); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitCommon(tx, revoked.Timestamp, events.Effect{Kind: events.Disconnect, User: &revoked.UserID})
	})
}

// momentsOf locks the realms that a user has a role in, and returns the last moments of them. Roles do not change meanwhile, because the
// caller holds the common topic.
func (c *Call) momentsOf(ctx context.Context, tx *store.Tx, user trust.UserID) (moments []*trust.DateTime, err error) {
	memberships, err := tables.Memberships(ctx, tx, c.Org, user)
	if err != nil {
		return nil, err
	}
	locks := []store.Lock{}
	for _, m := range memberships {
		if m.Role != trust.NoRole {
			locks = append(locks, store.Realm(c.Org, m.Realm))
		}
	}
	if err := tx.Lock(ctx, locks...); err != nil {
		return nil, err
	}
	for _, m := range memberships {
		if m.Role == trust.NoRole {
			continue
		}
		realm, err := tables.GetRealm(ctx, tx, c.Org, m.Realm)
		if err != nil {
			return nil, err
		}
		moments = append(moments, &realm.LastCertificate, realm.LastVlob)
	}
	return moments, nil
}

// userUpdate is 3.4: author, certificate not about oneself, user, revoked, same profile, monotony.
func (s *Service) userUpdate(ctx context.Context, c *Call, req *cloud.UserUpdateReq) (cloud.UserUpdateRep, error) {
	update, ok := verify[*trust.UserUpdateCertificate](req.UserUpdateCertificate, c.signer())
	refusal := cloud.UserUpdateRep(nil)
	if !ok {
		refusal = &cloud.InvalidCertificate{}
	} else if late := c.outOfBallpark(update.Timestamp); late != nil {
		refusal = late
	} else if update.UserID == c.User {
		refusal = &cloud.InvalidCertificate{}
	}
	if refusal != nil {
		return refuse[cloud.UserUpdateRep](ctx, s, c, admin, refusal, &cloud.AuthorNotAllowed{})
	}
	return write(ctx, s, c, []store.Lock{store.Common(c.Org)}, func(tx *store.Tx, a *tables.Author) (cloud.UserUpdateRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		user, err := tables.GetUser(ctx, tx, c.Org, update.UserID)
		switch {
		case err != nil:
			return nil, err
		case user == nil:
			return &cloud.UserNotFound{}, nil
		case user.RevokedOn != nil:
			return &cloud.UserRevoked{}, nil
		case user.Profile == update.NewProfile:
			return &cloud.UserNoChanges{}, nil
		}
		if late := notAbove(update.Timestamp, a.Common); late != nil {
			return late, nil
		}
		if err := tables.UpdateProfile(ctx, tx, c.Org, update); err != nil {
			return nil, err
		}
		if err := tables.AddCommon(ctx, tx, c.Org, tables.Certificate{SignedOn: update.Timestamp, Signed: req.UserUpdateCertificate}); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.emitCommon(tx, update.Timestamp, events.Effect{Kind: events.Forget, User: &update.UserID})
	})
}

// listFrozenUsers is 3.4.
func (s *Service) listFrozenUsers(ctx context.Context, c *Call, _ *cloud.ListFrozenUsersReq) (cloud.ListFrozenUsersRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, a *tables.Author) (cloud.ListFrozenUsersRep, error) {
		if !admin(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		rep := &cloud.ListFrozenUsersOK{FrozenUsers: []trust.UserID{}}
		return rep, tables.Users(ctx, tx, c.Org, func(u tables.User) error {
			if u.Frozen {
				rep.FrozenUsers = append(rep.FrozenUsers, u.ID)
			}
			return nil
		})
	})
}
