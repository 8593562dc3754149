package rules

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// realmRename is 3.5: certificate, realm, owner, index, first name, monotony.
func (s *Service) realmRename(ctx context.Context, c *Call, req *cloud.RealmRenameReq) (cloud.RealmRenameRep, error) {
	name, ok := verify[*trust.RealmNameCertificate](req.RealmNameCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(name.Timestamp); late != nil {
		return late, nil
	}
	return write(ctx, s, c, c.inRealm(name.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmRenameRep, error) {
		realm, refusal, err := c.owned(ctx, tx, name.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if name.KeyIndex != realm.KeyIndex {
			return &cloud.BadKeyIndex{LastRealmCertificateTimestamp: realm.LastCertificate}, nil
		}
		if req.InitialNameOrFail && realm.Named {
			return &cloud.InitialNameAlreadyExists{LastRealmCertificateTimestamp: realm.LastCertificate}, nil
		}
		if late := notAbove(name.Timestamp, a.Common, &realm.LastCertificate); late != nil {
			return late, nil
		}
		if err := tables.SetNamed(ctx, tx, c.Org, realm.ID); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.addRealm(ctx, tx, realm.ID, name.Timestamp, req.RealmNameCertificate, events.Effect{})
	})
}

// realmUpdateArchiving is 3.5: certificate, realm, owner, period, monotony.
func (s *Service) realmUpdateArchiving(ctx context.Context, c *Call, req *cloud.RealmUpdateArchivingReq) (cloud.RealmUpdateArchivingRep, error) {
	archiving, ok := verify[*trust.RealmArchivingCertificate](req.ArchivingCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(archiving.Timestamp); late != nil {
		return late, nil
	}
	return write(ctx, s, c, c.inRealm(archiving.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmUpdateArchivingRep, error) {
		realm, refusal, err := c.owned(ctx, tx, archiving.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if tooShort(archiving, a.MinimumArchivingPeriod) {
			return &cloud.ArchivingPeriodTooShort{}, nil
		}
		if late := notAbove(archiving.Timestamp, a.Common, &realm.LastCertificate); late != nil {
			return late, nil
		}
		if err := tables.SetArchiving(ctx, tx, c.Org, realm.ID, archiving.Configuration); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.addRealm(ctx, tx, realm.ID, archiving.Timestamp, req.ArchivingCertificate, events.Effect{})
	})
}

// tooShort reports whether a realm would be deleted before the organisation's minimum, in seconds, has passed.
func tooShort(c *trust.RealmArchivingCertificate, minimum int64) bool {
	const most = 200 * 365 * 24 * 60 * 60 // seconds; a duration does not hold much more
	earliest := c.Timestamp.Add(time.Duration(min(minimum, most)) * time.Second)
	return c.Configuration.State == trust.DeletionPlanned && c.Configuration.DeletionDate.Before(earliest)
}

// realmSelfPromoteToOwner is 3.5: outsider, certificate about oneself as owner, realm, no live owner, member, highest live role, monotony.
func (s *Service) realmSelfPromoteToOwner(ctx context.Context, c *Call, req *cloud.RealmSelfPromoteToOwnerReq) (cloud.RealmSelfPromoteToOwnerRep, error) {
	role, ok := verify[*trust.RealmRoleCertificate](req.RealmRoleCertificate, c.signer())
	refusal := cloud.RealmSelfPromoteToOwnerRep(nil)
	if !ok {
		refusal = &cloud.InvalidCertificate{}
	} else if late := c.outOfBallpark(role.Timestamp); late != nil {
		refusal = late
	} else if role.UserID != c.User || role.Role != trust.Owner {
		refusal = &cloud.InvalidCertificate{}
	}
	if refusal != nil {
		return refuse[cloud.RealmSelfPromoteToOwnerRep](ctx, s, c, owner, refusal, &cloud.AuthorIsOutsider{})
	}
	return write(ctx, s, c, c.inRealm(role.RealmID), func(tx *store.Tx, a *tables.Author) (cloud.RealmSelfPromoteToOwnerRep, error) {
		if !owner(a.Profile) {
			return &cloud.AuthorIsOutsider{}, nil
		}
		realm, err := tables.GetRealm(ctx, tx, c.Org, role.RealmID)
		switch {
		case err != nil:
			return nil, err
		case realm == nil:
			return &cloud.RealmNotFound{}, nil
		case realm.Deleted:
			return &cloud.RealmDeleted{}, nil
		}
		members, err := tables.Members(ctx, tx, c.Org, role.RealmID)
		if err != nil {
			return nil, err
		}
		if refusal := refusePromotion(members, c.User, realm); refusal != nil {
			return refusal, nil
		}
		if late := notAbove(role.Timestamp, a.Common, &realm.LastCertificate, realm.LastVlob); late != nil {
			return late, nil
		}
		return &cloud.OK{}, c.changeRole(ctx, tx, role, req.RealmRoleCertificate)
	})
}

// refusePromotion checks that nobody is an owner or could become one before the user. Outsiders could not.
func refusePromotion(members []tables.Member, user trust.UserID, realm *tables.Realm) cloud.RealmSelfPromoteToOwnerRep {
	own, highest := trust.NoRole, trust.NoRole
	for _, m := range members {
		switch {
		case m.User == user:
			own = m.Role
		case m.Revoked:
			continue
		case m.Profile != trust.Outsider:
			highest = max(highest, m.Role)
		}
		if m.Role == trust.Owner {
			return &cloud.ActiveOwnerAlreadyExists{LastRealmCertificateTimestamp: realm.LastCertificate}
		}
	}
	if own == trust.NoRole || own < highest {
		return &cloud.AuthorNotAllowed{}
	}
	return nil
}
