package rules

import (
	"context"
	"crypto/hmac"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
	"github.com/seed-73b3884f/parsec-agent/server/internal/tables"
)

// inviteShamirRecoveryReveal is 3.10: kind of the invitation, token. The recovery is the one that is invited to; once it is deleted, nobody is let in.
func (s *Service) inviteShamirRecoveryReveal(ctx context.Context, c *Call, req *cloud.InviteShamirRecoveryRevealReq) (cloud.InviteShamirRecoveryRevealRep, error) {
	digest, err := s.digest(purposeReveal, req.RevealToken)
	if err != nil {
		return nil, err
	}
	return readGuest(ctx, s, c, func(tx *store.Tx, i *tables.Invitation) (cloud.InviteShamirRecoveryRevealRep, error) {
		if i.Kind != tables.ForShamirRecovery || i.Claimer == nil || i.SetupOn == nil {
			return &cloud.BadInvitationType{}, nil
		}
		kept, data, err := tables.RecoveryData(ctx, tx, c.Org, *i.Claimer, *i.SetupOn)
		if err != nil {
			return nil, err
		}
		if !hmac.Equal(digest, kept) {
			return &cloud.BadRevealToken{}, nil
		}
		return &cloud.InviteShamirRecoveryRevealOK{CipheredData: data}, nil
	})
}
