package rules

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// purposeReveal is what tokens are digested for that reveal the data of a recovery.
const purposeReveal = "reveal token"

// recovery is a shared recovery to be.
type recovery struct {
	req   *cloud.ShamirRecoverySetupReq
	brief *trust.ShamirRecoveryBriefCertificate
	// recipients are in the order of the request's shares.
	recipients []trust.UserID
}

// shamirRecoverySetup is 3.10: certificates, recipients, one that is there already, monotony. Nobody is told.
func (s *Service) shamirRecoverySetup(ctx context.Context, c *Call, req *cloud.ShamirRecoverySetupReq) (cloud.ShamirRecoverySetupRep, error) {
	r := recovery{req: req}
	if refusal := r.verify(c); refusal != nil {
		return refusal, nil
	}
	digest, err := s.digest(purposeReveal, req.RevealToken)
	if err != nil {
		return nil, err
	}
	locks := []store.Lock{store.Common(c.Org).Shared(), store.Shamir(c.Org)}
	return write(ctx, s, c, locks, func(tx *store.Tx, a *tables.Author) (cloud.ShamirRecoverySetupRep, error) {
		if refusal, err := r.refuseRecipients(ctx, tx, c, a); refusal != nil || err != nil {
			return refusal, err
		}
		has, err := tables.HasRecovery(ctx, tx, c.Org, c.User)
		if err != nil {
			return nil, err
		}
		if has && a.Shamir != nil {
			return &cloud.ShamirRecoveryAlreadyExists{LastShamirCertificateTimestamp: *a.Shamir}, nil
		}
		if late := notAbove(r.brief.Timestamp, a.Common, a.Shamir); late != nil {
			return late, nil
		}
		return &cloud.OK{}, r.insert(ctx, tx, c, digest)
	})
}

// verify checks the brief, then each share against it. The refusal is nil when they hold.
func (r *recovery) verify(c *Call) cloud.ShamirRecoverySetupRep {
	brief, ok := verify[*trust.ShamirRecoveryBriefCertificate](r.req.ShamirRecoveryBriefCertificate, c.signer())
	if !ok {
		return &cloud.InvalidCertificateBriefCorrupted{}
	}
	if late := c.outOfBallpark(brief.Timestamp); late != nil {
		return late
	}
	if brief.UserID != c.User {
		return &cloud.InvalidCertificateUserIDMustBeSelf{}
	}
	if len(brief.PerRecipientShares) != len(r.req.ShamirRecoveryShareCertificates) {
		return &cloud.InvalidCertificateMissingShareForRecipient{}
	}
	r.brief = brief
	seen := map[trust.UserID]bool{}
	for _, signed := range r.req.ShamirRecoveryShareCertificates {
		share, refusal := r.verifyShare(c, signed, seen)
		if refusal != nil {
			return refusal
		}
		seen[share.Recipient] = true
		r.recipients = append(r.recipients, share.Recipient)
	}
	return nil
}

func (r *recovery) verifyShare(c *Call, signed []byte, seen map[trust.UserID]bool) (*trust.ShamirRecoveryShareCertificate, cloud.ShamirRecoverySetupRep) {
	share, ok := verify[*trust.ShamirRecoveryShareCertificate](signed, c.signer())
	if !ok {
		return nil, &cloud.InvalidCertificateShareCorrupted{}
	}
	_, named := r.brief.PerRecipientShares[share.Recipient]
	switch {
	case share.UserID != c.User:
		return nil, &cloud.InvalidCertificateUserIDMustBeSelf{}
	case share.Timestamp != r.brief.Timestamp:
		return nil, &cloud.InvalidCertificateShareInconsistentTimestamp{}
	case !named:
		return nil, &cloud.InvalidCertificateShareRecipientNotInBrief{}
	case seen[share.Recipient]:
		return nil, &cloud.InvalidCertificateDuplicateShareForRecipient{}
	case share.Recipient == c.User:
		return nil, &cloud.InvalidCertificateAuthorIncludedAsRecipient{}
	}
	return share, nil
}

func (r *recovery) refuseRecipients(ctx context.Context, tx *store.Tx, c *Call, a *tables.Author) (cloud.ShamirRecoverySetupRep, error) {
	for _, id := range r.recipients {
		u, err := tables.GetUser(ctx, tx, c.Org, id)
		switch {
		case err != nil:
			return nil, err
		case u == nil:
			return &cloud.RecipientNotFound{}, nil
		case u.RevokedOn != nil && a.Common != nil:
			return &cloud.RevokedRecipient{LastCommonCertificateTimestamp: *a.Common}, nil
		}
	}
	return nil, nil
}

// insert keeps the recovery. The brief is for the author and all recipients, a share for its recipient alone.
func (r *recovery) insert(ctx context.Context, tx *store.Tx, c *Call, digest []byte) error {
	if err := tables.AddRecovery(ctx, tx, c.Org, r.brief, digest, r.req.CipheredData); err != nil {
		return err
	}
	at := r.brief.Timestamp
	brief := tables.Certificate{SignedOn: at, Rank: tables.RankFirst, Signed: r.req.ShamirRecoveryBriefCertificate}
	if err := tables.AddShamir(ctx, tx, c.Org, brief, append([]trust.UserID{c.User}, r.recipients...)...); err != nil {
		return err
	}
	for i, recipient := range r.recipients {
		share := tables.Certificate{SignedOn: at, Rank: tables.RankSecond, Signed: r.req.ShamirRecoveryShareCertificates[i]}
		if err := tables.AddShamir(ctx, tx, c.Org, share, recipient); err != nil {
			return err
		}
	}
	return nil
}
