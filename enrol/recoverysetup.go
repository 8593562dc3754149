package enrol

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// SetUpRecovery deals what brings the user back to people who are trusted: any of them who have threshold shares together can let the user in again, after they
// heard codes (docs/spec/parsec-cloud-client.md 2.5). A set-up that is in force is deleted before.
//
// The device that the shares open is certified first. A crash in between leaves a device that nobody has, and no set-up.
func SetUpRecovery(ctx context.Context, s *session.Session, threshold uint8, shares map[trust.UserID]uint8) error {
	if err := s.Refresh(ctx); err != nil {
		return explain(err)
	}
	if err := checkShares(s, threshold, shares); err != nil {
		return err
	}
	at, err := trust.DateTimeOf(time.Now())
	if err != nil {
		return err
	}
	lost, err := newRecoveryDevice(ctx, s, trust.ShamirRecovery, "shamir-recovery-"+at.Time().UTC().Format(time.RFC3339))
	if err != nil {
		return err
	}
	defer lost.Wipe()
	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.ShamirRecoverySetupRep], error) {
		return dealShares(s, d, lost, at, threshold, shares)
	})
	if err != nil {
		return explain(err)
	}
	switch rep := rep.(type) {
	case *cloud.OK:
		return explain(s.Refresh(ctx))
	case *cloud.ShamirRecoveryAlreadyExists:
		return recoveryExists()
	case *cloud.RecipientNotFound, *cloud.RevokedRecipient:
		return refused("somebody who is to hold shares is not a member any more", "parsecctl user list")
	default:
		return unexpected(rep)
	}
}

func recoveryExists() error {
	return &wire.Error{Status: wire.StatusAlreadyExists, Reason: "a shared recovery is set up already", Err: ErrRefused, Remedy: "parsecctl recovery delete"}
}

// checkShares refuses what the rules refuse (docs/spec/parsec-cloud-data.md 4.7).
func checkShares(s *session.Session, threshold uint8, shares map[trust.UserID]uint8) error {
	sum, wrong := 0, ""
	err := s.View(func(all *trust.Store) error {
		if r, ok := all.Recovery(s.User()); ok && r.Deleted == nil {
			return recoveryExists()
		}
		for id, n := range shares {
			u, ok := all.User(id, endOfTime)
			switch {
			case id == s.User():
				wrong = "you cannot hold shares of your own recovery"
			case n == 0:
				wrong = fmt.Sprintf("user %s would hold no share", id)
			case !ok:
				wrong = fmt.Sprintf("there is no user %s", id)
			case u.Revoked:
				wrong = fmt.Sprintf("user %s is revoked", id)
			}
			sum += int(n)
		}
		return nil
	})
	switch {
	case err != nil:
		return explain(err)
	case wrong != "":
	case threshold == 0 || sum < int(threshold):
		wrong = fmt.Sprintf("%d shares can never be %d", sum, threshold)
	case sum > trust.MaxShares:
		wrong = fmt.Sprintf("%d shares are more than %d", sum, trust.MaxShares)
	}
	if wrong != "" {
		return &wire.Error{Status: wire.StatusInvalidArgument, Reason: wrong, Err: ErrRefused, Remedy: "parsecctl user list shows who there is"}
	}
	return nil
}

// dealShares makes the whole set-up for a timestamp: nothing of it is used for another one.
func dealShares(s *session.Session, d, lost *trust.LocalDevice, at trust.DateTime, threshold uint8, shares map[trust.UserID]uint8) (*cloud.ShamirRecoverySetupReq, error) {
	secret := trust.ShamirRecoverySecret{DataKey: trust.GenerateSecretKey(), RevealToken: trust.GenerateAccessToken()}
	defer secret.DataKey.Wipe()
	req := &cloud.ShamirRecoverySetupReq{RevealToken: secret.RevealToken}
	var err error
	if req.CipheredData, err = lost.Seal(secret.DataKey, nil); err != nil {
		return nil, err
	}
	sum := 0
	for _, n := range shares {
		sum += int(n)
	}
	dealt, err := trust.SplitRecovery(&secret, int(threshold), sum)
	if err != nil {
		return nil, err
	}
	brief := &trust.ShamirRecoveryBriefCertificate{Author: d.DeviceID, Timestamp: at, UserID: d.UserID, Threshold: threshold, PerRecipientShares: shares}
	signed, err := signAll(d, brief)
	if err != nil {
		return nil, err
	}
	req.ShamirRecoveryBriefCertificate = signed[0]
	for _, id := range slices.SortedFunc(maps.Keys(shares), func(a, b trust.UserID) int { return slices.Compare(a[:], b[:]) }) {
		own := dealt[:shares[id]]
		dealt = dealt[shares[id]:]
		c, err := shareFor(s, d, at, id, own)
		if err != nil {
			return nil, err
		}
		req.ShamirRecoveryShareCertificates = append(req.ShamirRecoveryShareCertificates, c)
	}
	return req, nil
}

// shareFor seals the shares of one recipient.
func shareFor(s *session.Session, d *trust.LocalDevice, at trust.DateTime, to trust.UserID, own []trust.Share) ([]byte, error) {
	u, ok, err := known(s, to)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, refused("somebody who is to hold shares is not a member any more", "parsecctl user list")
	}
	sealed, err := trust.SealShareData(&trust.ShamirRecoveryShareData{Author: d.DeviceID, Timestamp: at, WeightedShare: own}, d.SigningKey, u.Certificate.PublicKey)
	if err != nil {
		return nil, err
	}
	signed, err := signAll(d, &trust.ShamirRecoveryShareCertificate{Author: d.DeviceID, Timestamp: at, UserID: d.UserID, Recipient: to, CipheredShare: sealed})
	if err != nil {
		return nil, err
	}
	return signed[0], nil
}

// DeleteRecovery makes the shares of the user's recovery useless.
func DeleteRecovery(ctx context.Context, s *session.Session) error {
	if err := s.Refresh(ctx); err != nil {
		return explain(err)
	}
	var brief *trust.ShamirRecoveryBriefCertificate
	err := s.View(func(all *trust.Store) error {
		if r, ok := all.Recovery(s.User()); ok && r.Deleted == nil {
			brief = r.Brief
		}
		return nil
	})
	if err != nil {
		return explain(err)
	}
	none := &wire.Error{Status: wire.StatusDoesNotExist, Reason: "no shared recovery is set up", Err: ErrRefused}
	if brief == nil {
		return none
	}
	recipients := make(map[trust.UserID]struct{}, len(brief.PerRecipientShares))
	for id := range brief.PerRecipientShares {
		recipients[id] = struct{}{}
	}
	rep, err := session.Certify(ctx, s, session.UserGap, func(d *trust.LocalDevice, at trust.DateTime) (cloud.Exchange[cloud.ShamirRecoveryDeleteRep], error) {
		signed, err := signAll(d, &trust.ShamirRecoveryDeletionCertificate{
			Author: d.DeviceID, Timestamp: at, SetupToDeleteTimestamp: brief.Timestamp, SetupToDeleteUserID: brief.UserID, ShareRecipients: recipients,
		})
		if err != nil {
			return nil, err
		}
		return &cloud.ShamirRecoveryDeleteReq{ShamirRecoveryDeletionCertificate: signed[0]}, nil
	})
	if err != nil {
		return explain(err)
	}
	switch rep := rep.(type) {
	case *cloud.OK:
		return explain(s.Refresh(ctx))
	case *cloud.ShamirRecoveryNotFound, *cloud.ShamirRecoveryAlreadyDeleted:
		return none
	default:
		return unexpected(rep)
	}
}
