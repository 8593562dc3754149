package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// realmShare is 3.5: certificate gives a role to somebody else; realm, recipient, revoked, author, outsider, same role, monotony, key.
func (s *Service) realmShare(ctx context.Context, c *Call, req *cloud.RealmShareReq) (cloud.RealmShareRep, error) {
	role, ok := verify[*trust.RealmRoleCertificate](req.RealmRoleCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(role.Timestamp); late != nil {
		return late, nil
	}
	if role.UserID == c.User || role.Role == trust.NoRole {
		return &cloud.InvalidCertificate{}, nil
	}
	return write(ctx, s, c, c.inRealm(role.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmShareRep, error) {
		g, refusal, err := c.grant(ctx, tx, role)
		if g != nil && g.recipient != nil && g.recipient.RevokedOn != nil {
			return &cloud.RecipientRevoked{}, err
		}
		if refusal != nil || err != nil {
			return refusal, err
		}
		if refusal := g.refuseShare(a, role, req.KeyIndex); refusal != nil {
			return refusal, nil
		}
		if err := tables.SetAccess(ctx, tx, c.Org, role.RealmID, req.KeyIndex, role.UserID, req.RecipientKeysBundleAccess); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.changeRole(ctx, tx, role, req.RealmRoleCertificate)
	})
}

// grant is what a change of a role is about.
type grant struct {
	recipient *tables.User
	realm     *tables.Realm
	// current is the role that the recipient has before.
	current trust.Role
}

// grantRep is a refusal that both commands have.
type grantRep interface {
	cloud.RealmShareRep
	cloud.RealmUnshareRep
}

// grant finds realm and recipient, and whether the caller may give and take the roles.
func (c *Call) grant(ctx context.Context, tx *store.Tx, role *trust.RealmRoleCertificate) (*grant, grantRep, error) {
	g := &grant{}
	var err error
	g.realm, err = tables.GetRealm(ctx, tx, c.Org, role.RealmID)
	switch {
	case err != nil:
		return nil, nil, err
	case g.realm == nil:
		return nil, &cloud.RealmNotFound{}, nil
	case g.realm.Deleted:
		return nil, &cloud.RealmDeleted{}, nil
	}
	if g.recipient, err = tables.GetUser(ctx, tx, c.Org, role.UserID); err != nil {
		return nil, nil, err
	}
	if g.recipient == nil {
		return nil, &cloud.RecipientNotFound{}, nil
	}
	own, err := tables.Role(ctx, tx, c.Org, role.RealmID, c.User)
	if err != nil {
		return nil, nil, err
	}
	if g.current, err = tables.Role(ctx, tx, c.Org, role.RealmID, role.UserID); err != nil {
		return nil, nil, err
	}
	if !own.CanGrant(role.Role) || !own.CanGrant(g.current) {
		return g, &cloud.AuthorNotAllowed{}, nil
	}
	return g, nil, nil
}

func (g *grant) refuseShare(a *tables.Author, role *trust.RealmRoleCertificate, index uint64) cloud.RealmShareRep {
	switch {
	case !g.recipient.Profile.CanHave(role.Role):
		return &cloud.RoleIncompatibleWithOutsider{}
	case g.current == role.Role:
		return &cloud.RoleAlreadyGranted{LastRealmCertificateTimestamp: g.realm.LastCertificate}
	}
	if late := notAbove(role.Timestamp, a.Common, &g.realm.LastCertificate, g.realm.LastVlob); late != nil {
		return late
	}
	if index == 0 || index != g.realm.KeyIndex {
		return &cloud.BadKeyIndex{LastRealmCertificateTimestamp: g.realm.LastCertificate}
	}
	return nil
}
