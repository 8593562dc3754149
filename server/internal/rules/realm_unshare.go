package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// realmUnshare is 3.5: certificate takes the role from somebody else; realm, recipient, who may be revoked, author, no role, monotony.
func (s *Service) realmUnshare(ctx context.Context, c *Call, req *cloud.RealmUnshareReq) (cloud.RealmUnshareRep, error) {
	role, ok := verify[*trust.RealmRoleCertificate](req.RealmRoleCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(role.Timestamp); late != nil {
		return late, nil
	}
	if role.UserID == c.User || role.Role != trust.NoRole {
		return &cloud.InvalidCertificate{}, nil
	}
	return write(ctx, s, c, c.inRealm(role.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmUnshareRep, error) {
		g, refusal, err := c.grant(ctx, tx, role)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if g.current == trust.NoRole {
			return &cloud.RecipientAlreadyUnshared{LastRealmCertificateTimestamp: g.realm.LastCertificate}, nil
		}
		if late := notAbove(role.Timestamp, a.Common, &g.realm.LastCertificate, g.realm.LastVlob); late != nil {
			return late, nil
		}
		return &cloud.OK{}, c.changeRole(ctx, tx, role, req.RealmRoleCertificate)
	})
}
