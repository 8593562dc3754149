package rules

import (
	"context"
	"errors"

	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// recoverySetup is a set-up of shared recovery, as its certificates say.
type recoverySetup struct {
	createdOn trust.DateTime
	threshold uint8
	shares    map[trust.UserID]uint8
	deleted   bool
}

// findSetup returns the set-up of a user from a moment, the last one for nil. It is nil if there is none.
func findSetup(ctx context.Context, tx *store.Tx, org int64, of trust.UserID, at *trust.DateTime) (found *recoverySetup, err error) {
	signed, err := tables.ShamirCertificates(ctx, tx, org, of, nil)
	if err != nil {
		return nil, err
	}
	for _, b := range signed {
		c, err := storedCertificate(ctx, tx, org, b.Signed)
		if err != nil {
			return nil, err
		}
		switch c := c.(type) {
		case *trust.ShamirRecoveryBriefCertificate:
			if c.UserID == of && (at == nil || c.Timestamp == *at) {
				found = &recoverySetup{createdOn: c.Timestamp, threshold: c.Threshold, shares: c.PerRecipientShares}
			}
		case *trust.ShamirRecoveryDeletionCertificate:
			if found != nil && c.SetupToDeleteUserID == of && c.SetupToDeleteTimestamp == found.createdOn {
				found.deleted = true
			}
		}
	}
	return found, nil
}

// storedCertificate reads a certificate of the store, and trusts it no more than one that comes.
func storedCertificate(ctx context.Context, tx *store.Tx, org int64, signed []byte) (trust.Certificate, error) {
	claim, err := trust.Look(signed)
	if err != nil {
		return nil, err
	}
	if claim.Author == nil {
		return nil, errors.New("a certificate of a shared recovery has no author")
	}
	a, err := tables.FindAuthor(ctx, tx, org, *claim.Author)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, errors.New("the author of a certificate is not there")
	}
	return trust.VerifyCertificate(signed, trust.Author{Device: &a.Device, Key: a.Key})
}
