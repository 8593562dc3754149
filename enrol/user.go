package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// errRevokedAlready is a user who is revoked.
var errRevokedAlready = errors.New("the user is revoked already")

// RevokeUser ends a user with all devices, for good.
func RevokeUser(ctx context.Context, s *session.Session, id trust.UserID) error {
	me, err := aboutUser(ctx, s, id, "revoke users")
	if err != nil {
		return err
	}
	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserRevokeRep], error) {
		signed, err := trust.SignCertificate(&trust.RevokedUserCertificate{Author: me.device, Timestamp: at, UserID: id}, d.SigningKey)
		return &cloud.UserRevokeReq{RevokedUserCertificate: signed}, err
	})
	return userRefusal(id, rep, err)
}

// UpdateProfile gives a user another profile.
func UpdateProfile(ctx context.Context, s *session.Session, id trust.UserID, to trust.Profile) error {
	me, err := aboutUser(ctx, s, id, "change profiles")
	if err != nil {
		return err
	}
	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.UserUpdateRep], error) {
		signed, err := trust.SignCertificate(&trust.UserUpdateCertificate{Author: me.device, Timestamp: at, UserID: id, NewProfile: to}, d.SigningKey)
		return &cloud.UserUpdateReq{UserUpdateCertificate: signed}, err
	})
	return userRefusal(id, rep, err)
}

// aboutUser refuses what would be refused anyway, and returns who asks.
func aboutUser(ctx context.Context, s *session.Session, id trust.UserID, what string) (self, error) {
	if err := s.Refresh(ctx); err != nil {
		return self{}, explain(err)
	}
	me, err := whoAmI(s)
	if err != nil {
		return me, err
	}
	if id == me.user {
		return me, &wire.Error{Status: wire.StatusNotPermitted, Reason: "nobody can do that to oneself", Err: ErrRefused, Remedy: "ask another administrator"}
	}
	return me, me.needAdmin(what)
}

// userRefusal is what a status of user_revoke or user_update means.
func userRefusal(id trust.UserID, rep cloud.Reply, err error) error {
	if err != nil {
		return explain(err)
	}
	object := fmt.Sprintf("user %s", id)
	switch rep := rep.(type) {
	case *cloud.OK:
		return nil
	case *cloud.AuthorNotAllowed:
		return refused("only administrators may do that", "ask an administrator of the organisation")
	case *cloud.UserNotFound:
		return &wire.Error{Status: wire.StatusDoesNotExist, Object: object, Reason: "there is no such user", Err: ErrRefused, Remedy: "parsecctl user list"}
	case *cloud.UserAlreadyRevoked, *cloud.UserRevoked:
		return &wire.Error{Status: wire.StatusBadState, Object: object, Reason: errRevokedAlready.Error(), Err: errors.Join(ErrRefused, errRevokedAlready)}
	case *cloud.UserNoChanges:
		return &wire.Error{Status: wire.StatusAlreadyExists, Object: object, Reason: "the user has this profile already", Err: ErrRefused}
	default:
		return unexpected(rep)
	}
}
