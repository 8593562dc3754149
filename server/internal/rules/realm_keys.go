package rules

import (
	"context"
	"encoding/base64"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/events"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// realmRotateKey is 3.5: certificate, realm, owner, next index, participants, services, monotony, consent of services.
func (s *Service) realmRotateKey(ctx context.Context, c *Call, req *cloud.RealmRotateKeyReq) (cloud.RealmRotateKeyRep, error) {
	rotation, ok := verify[*trust.RealmKeyRotationCertificate](req.RealmKeyRotationCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificate{}, nil
	}
	if late := c.outOfBallpark(rotation.Timestamp); late != nil {
		return late, nil
	}
	refuse := func(r sequesterRep) cloud.RealmRotateKeyRep { return r }
	return withConsent(ctx, s, refuse, c.aboutRotation(rotation, req), func(o *consent) (cloud.RealmRotateKeyRep, error) {
		return s.rotateKey(ctx, c, rotation, req, o)
	})
}

// aboutRotation asks whether a realm may get a key.
func (c *Call) aboutRotation(rotation *trust.RealmKeyRotationCertificate, req *cloud.RealmRotateKeyReq) func(trust.SequesterServiceID) Question {
	return func(service trust.SequesterServiceID) Question {
		q := c.question("realm_rotate_key", service, rotation.RealmID, rotation.KeyIndex, rotation.Timestamp)
		q.Parameters.Set("encryption_algorithm", "BLAKE2B_XSALSA20_POLY1305") // the only one there is, as the original calls it here
		q.Parameters.Set("hash_algorithm", "SHA256")
		for name, b := range map[string][]byte{
			"key_canary": rotation.KeyCanary, "keys_bundle": req.KeysBundle, "keys_bundle_access": req.PerSequesterServiceKeysBundleAccess[service],
		} {
			q.Parameters.Set(name, base64.StdEncoding.EncodeToString(b))
		}
		return q
	}
}

func (s *Service) rotateKey(
	ctx context.Context, c *Call, rotation *trust.RealmKeyRotationCertificate, req *cloud.RealmRotateKeyReq, o *consent,
) (cloud.RealmRotateKeyRep, error) {
	locks := append(c.inRealm(rotation.RealmID), store.Sequester(c.Org).Shared())
	return write(ctx, s, c, locks, func(tx *store.Tx, a *tables.Author) (cloud.RealmRotateKeyRep, error) {
		realm, refusal, err := c.owned(ctx, tx, rotation.RealmID)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if rotation.KeyIndex != realm.KeyIndex+1 {
			return &cloud.BadKeyIndex{LastRealmCertificateTimestamp: realm.LastCertificate}, nil
		}
		if refusal, err := c.refuseAccess(ctx, tx, a, realm, req); refusal != nil || err != nil {
			return refusal, err
		}
		if late := notAbove(rotation.Timestamp, a.Common, &realm.LastCertificate); late != nil {
			return late, nil
		}
		if err := o.need(ctx, tx, c, a); err != nil {
			return nil, err
		}
		if err := c.rotate(ctx, tx, rotation, req); err != nil {
			return nil, err
		}
		return &cloud.OK{}, c.addRealm(ctx, tx, realm.ID, rotation.Timestamp, req.RealmKeyRotationCertificate, events.Effect{})
	})
}

// ownerRep is a refusal that commands of owners have in common.
type ownerRep interface {
	cloud.RealmRotateKeyRep
	cloud.RealmRenameRep
	cloud.RealmUpdateArchivingRep
}

// owned checks that the caller is an owner of a realm: realm, role.
func (c *Call) owned(ctx context.Context, tx *store.Tx, id trust.RealmID) (*tables.Realm, ownerRep, error) {
	realm, err := tables.GetRealm(ctx, tx, c.Org, id)
	switch {
	case err != nil:
		return nil, nil, err
	case realm == nil:
		return nil, &cloud.RealmNotFound{}, nil
	case realm.Deleted:
		return nil, &cloud.RealmDeleted{}, nil
	}
	role, err := tables.Role(ctx, tx, c.Org, id, c.User)
	switch {
	case err != nil:
		return nil, nil, err
	case role != trust.Owner:
		return nil, &cloud.AuthorNotAllowed{}, nil
	}
	return realm, nil, nil
}

// refuseAccess checks that exactly the users with a role, revoked ones too, and the live services get the key.
func (c *Call) refuseAccess(
	ctx context.Context, tx *store.Tx, a *tables.Author, realm *tables.Realm, req *cloud.RealmRotateKeyReq,
) (cloud.RealmRotateKeyRep, error) {
	members, err := tables.Members(ctx, tx, c.Org, realm.ID)
	if err != nil {
		return nil, err
	}
	same := len(members) == len(req.PerParticipantKeysBundleAccess)
	for _, m := range members {
		_, given := req.PerParticipantKeysBundleAccess[m.User]
		same = same && given
	}
	if !same {
		return &cloud.ParticipantMismatch{LastRealmCertificateTimestamp: realm.LastCertificate}, nil
	}
	if !a.Sequestered {
		if req.PerSequesterServiceKeysBundleAccess != nil {
			return &cloud.OrganizationNotSequestered{}, nil
		}
		return nil, nil
	}
	services, err := tables.Services(ctx, tx, c.Org)
	if err != nil {
		return nil, err
	}
	same, live := req.PerSequesterServiceKeysBundleAccess != nil, 0
	for _, service := range services {
		if service.RevokedOn == nil {
			live++
			_, given := req.PerSequesterServiceKeysBundleAccess[service.ID]
			same = same && given
		}
	}
	if !same || live != len(req.PerSequesterServiceKeysBundleAccess) {
		return &cloud.SequesterServiceMismatch{LastSequesterCertificateTimestamp: *a.Sequester}, nil
	}
	return nil, nil
}

func (c *Call) rotate(ctx context.Context, tx *store.Tx, rotation *trust.RealmKeyRotationCertificate, req *cloud.RealmRotateKeyReq) error {
	if err := tables.Rotate(ctx, tx, c.Org, rotation.RealmID, rotation.KeyIndex, req.KeysBundle); err != nil {
		return err
	}
	for user, access := range req.PerParticipantKeysBundleAccess {
		if err := tables.SetAccess(ctx, tx, c.Org, rotation.RealmID, rotation.KeyIndex, user, access); err != nil {
			return err
		}
	}
	for service, access := range req.PerSequesterServiceKeysBundleAccess {
		if err := tables.AddServiceAccess(ctx, tx, c.Org, rotation.RealmID, rotation.KeyIndex, service, access); err != nil {
			return err
		}
	}
	return nil
}

// realmGetKeysBundle is 3.5: role, deleted, index, access. A realm that does not exist is one that the caller is not in.
func (s *Service) realmGetKeysBundle(ctx context.Context, c *Call, req *cloud.RealmGetKeysBundleReq) (cloud.RealmGetKeysBundleRep, error) {
	return read(ctx, s, c, func(tx *store.Tx, _ *tables.Author) (cloud.RealmGetKeysBundleRep, error) {
		realm, refusal, err := c.readable(ctx, tx, req.RealmID)
		switch refusal.(type) {
		case nil:
		case *cloud.RealmDeleted:
			return &cloud.RealmDeleted{}, err
		default:
			return &cloud.AuthorNotAllowed{}, err
		}
		if err != nil {
			return nil, err
		}
		if req.KeyIndex == 0 || req.KeyIndex > realm.KeyIndex {
			return &cloud.RealmGetKeysBundleBadKeyIndex{}, nil
		}
		access, err := tables.Access(ctx, tx, c.Org, req.RealmID, req.KeyIndex, c.User)
		if err != nil {
			return nil, err
		}
		if access == nil {
			return &cloud.AccessNotAvailableForAuthor{}, nil
		}
		bundle, err := tables.Bundle(ctx, tx, c.Org, req.RealmID, req.KeyIndex)
		return &cloud.RealmGetKeysBundleOK{KeysBundle: bundle, KeysBundleAccess: access}, err
	})
}
