package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inRealm are the locks of a command that writes in a realm: it relies on the users being who they are.
func (c *Call) inRealm(realm trust.RealmID) []store.Lock {
	return []store.Lock{store.Common(c.Org).Shared(), store.Realm(c.Org, realm)}
}

// emitRealm tells the members of a realm, and users who just joined or left, of a new certificate.
func (c *Call) emitRealm(tx *store.Tx, realm trust.RealmID, at trust.DateTime, effect events.Effect) error {
	to := events.Audience{}
	if effect.User != nil {
		to = events.To(*effect.User)
		effect.Realm = &realm
	}
	to.Realm = &realm
	e, err := events.New(c.Org, to, &cloud.EventRealmCertificate{RealmID: realm, Timestamp: at})
	if err == nil {
		tx.Emit(e.With(effect))
	}
	return err
}

// addRealm stores a certificate of a realm and tells of it.
func (c *Call) addRealm(ctx context.Context, tx *store.Tx, realm trust.RealmID, at trust.DateTime, signed []byte, effect events.Effect) error {
	if err := tables.AddRealm(ctx, tx, c.Org, realm, tables.Certificate{SignedOn: at, Signed: signed}); err != nil {
		return err
	}
	return c.emitRealm(tx, realm, at, effect)
}

// changeRole gives a role or takes it away, stores its certificate and tells of it.
func (c *Call) changeRole(ctx context.Context, tx *store.Tx, role *trust.RealmRoleCertificate, signed []byte) error {
	if err := tables.SetRole(ctx, tx, c.Org, role); err != nil {
		return err
	}
	effect := events.Effect{Kind: events.Join, User: &role.UserID}
	if role.Role == trust.NoRole {
		effect.Kind = events.Leave
	}
	return c.addRealm(ctx, tx, role.RealmID, role.Timestamp, signed, effect)
}

// realmCreate is 3.5: profile, certificate about oneself as owner, id, monotony.
func (s *Service) realmCreate(ctx context.Context, c *Call, req *cloud.RealmCreateReq) (cloud.RealmCreateRep, error) {
	role, ok := verify[*trust.RealmRoleCertificate](req.RealmRoleCertificate, c.signer())
	refusal := cloud.RealmCreateRep(nil)
	if !ok {
		refusal = &cloud.InvalidCertificate{}
	} else if late := c.outOfBallpark(role.Timestamp); late != nil {
		refusal = late
	} else if role.UserID != c.User || role.Role != trust.Owner {
		refusal = &cloud.InvalidCertificate{}
	}
	if refusal != nil {
		return refuse[cloud.RealmCreateRep](ctx, s, c, owner, refusal, &cloud.AuthorNotAllowed{})
	}
	return write(ctx, s, c, c.inRealm(role.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmCreateRep, error) {
		if !owner(a.Profile) {
			return &cloud.AuthorNotAllowed{}, nil
		}
		realm, err := tables.GetRealm(ctx, tx, c.Org, role.RealmID)
		if err != nil {
			return nil, err
		}
		if realm != nil {
			return &cloud.RealmAlreadyExists{LastRealmCertificateTimestamp: realm.LastCertificate}, nil
		}
		if late := notAbove(role.Timestamp, a.Common); late != nil {
			return late, nil
		}
		if err := tables.InsertRealm(ctx, tx, c.Org, role.RealmID, role.Timestamp); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.changeRole(ctx, tx, role, req.RealmRoleCertificate)
	})
}
