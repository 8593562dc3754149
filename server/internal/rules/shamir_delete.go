package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// shamirRecoveryDelete is 3.10: certificate, monotony, recovery, recipients, already deleted. Nobody is told.
func (s *Service) shamirRecoveryDelete(ctx context.Context, c *Call, req *cloud.ShamirRecoveryDeleteReq) (cloud.ShamirRecoveryDeleteRep, error) {
	deletion, ok := verify[*trust.ShamirRecoveryDeletionCertificate](req.ShamirRecoveryDeletionCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificateCorrupted{}, nil
	}
	if late := c.outOfBallpark(deletion.Timestamp); late != nil {
		return late, nil
	}
	if deletion.SetupToDeleteUserID != c.User {
		return &cloud.InvalidCertificateUserIDMustBeSelf{}, nil
	}
	locks := []store.Lock{store.Common(c.Org).Shared(), store.Shamir(c.Org)}
	return write(ctx, s, c, locks, func(tx *store.Tx, a *tables.Author) (cloud.ShamirRecoveryDeleteRep, error) {
		if late := notAbove(deletion.Timestamp, a.Common, a.Shamir); late != nil {
			return late, nil
		}
		viewers, refusal, err := c.deletable(ctx, tx, a, deletion)
		if refusal != nil || err != nil {
			return refusal, err
		}
		if err := tables.DeleteRecovery(ctx, tx, c.Org, deletion); err != nil {
			return nil, err
		}
		signed := tables.Certificate{SignedOn: deletion.Timestamp, Signed: req.ShamirRecoveryDeletionCertificate}
		return &cloud.OK{}, tables.AddShamir(ctx, tx, c.Org, signed, viewers...)
	})
}

// deletable returns who is to see that a recovery was deleted.
func (c *Call) deletable(ctx context.Context, tx *store.Tx, a *tables.Author, d *trust.ShamirRecoveryDeletionCertificate) ([]trust.UserID, cloud.ShamirRecoveryDeleteRep, error) {
	found, err := tables.RecoveryOf(ctx, tx, c.Org, c.User, d.SetupToDeleteTimestamp)
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return nil, &cloud.ShamirRecoveryNotFound{}, nil
	}
	recipients, err := tables.Recipients(ctx, tx, c.Org, c.User, d.SetupToDeleteTimestamp)
	if err != nil {
		return nil, nil, err
	}
	viewers := []trust.UserID{c.User}
	for id := range recipients {
		if _, named := d.ShareRecipients[id]; named {
			viewers = append(viewers, id)
		}
	}
	switch {
	case len(viewers)-1 != len(recipients) || len(recipients) != len(d.ShareRecipients):
		return nil, &cloud.RecipientsMismatch{}, nil
	case found.DeletedOn != nil && a.Shamir != nil:
		return nil, &cloud.ShamirRecoveryAlreadyDeleted{LastShamirCertificateTimestamp: *a.Shamir}, nil
	}
	return viewers, nil, nil
}
