package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// newcomer is a user with its first device, as certificates as received and as read.
type newcomer struct {
	userSigned, deviceSigned, redactedUser, redactedDevice []byte
	// first is the one who bootstraps, an admin.
	first bool

	user   pair[*trust.UserCertificate]
	device pair[*trust.DeviceCertificate]
}

// newcomerRep is a refusal that commands that make users have in common.
type newcomerRep interface {
	cloud.UserCreateRep
	cloud.OrganizationBootstrapRep
	cloud.AsyncEnrollmentAcceptRep
}

// verify checks the four certificates against each other, in the order of 3.4. The refusal is nil when they hold.
func (n *newcomer) verify(c *Call, author trust.Author) newcomerRep {
	var okUser, okDevice bool
	n.user, okUser = verifyUser(n.userSigned, n.redactedUser, author)
	n.device, okDevice = verifyDevice(n.deviceSigned, n.redactedDevice, author)
	if !okUser || !okDevice || n.user.full.Timestamp != n.device.full.Timestamp {
		return &cloud.InvalidCertificate{}
	}
	same := n.user.full.UserID == n.device.full.UserID
	if n.first && (!same || n.user.full.Profile != trust.Admin) {
		return &cloud.InvalidCertificate{}
	}
	if late := c.outOfBallpark(n.user.full.Timestamp); late != nil {
		return late
	}
	// For a key of small order nobody could seal: its owner would keep realms from new keys.
	if !same || !usersMatch(n.user) || !devicesMatch(n.device) || n.user.full.PublicKey.Check() != nil {
		return &cloud.InvalidCertificate{}
	}
	return nil
}

// insert adds user, device and certificates.
func (n *newcomer) insert(ctx context.Context, tx *store.Tx, org int64) error {
	if err := tables.InsertUser(ctx, tx, org, n.user.full); err != nil {
		return err
	}
	at := n.user.full.Timestamp
	user := tables.Certificate{SignedOn: at, Rank: tables.RankFirst, Signed: n.userSigned, Redacted: n.redactedUser}
	if err := tables.AddCommon(ctx, tx, org, user); err != nil {
		return err
	}
	return insertDevice(ctx, tx, org, n.device.full, n.deviceSigned, n.redactedDevice)
}

func insertDevice(ctx context.Context, tx *store.Tx, org int64, c *trust.DeviceCertificate, signed, redacted []byte) error {
	if err := tables.InsertDevice(ctx, tx, org, c); err != nil {
		return err
	}
	return tables.AddCommon(ctx, tx, org, tables.Certificate{SignedOn: c.Timestamp, Rank: tables.RankSecond, Signed: signed, Redacted: redacted})
}
