package agentd

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/seed-73b3884f/parsec-agent/enrol"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// inviteRecovery invites somebody back, of whose shared recovery the caller holds shares.
func inviteRecovery(ctx context.Context, s *session.Session, text string, mail bool) (*enrol.Invited, error) {
	if err := s.Refresh(ctx); err != nil {
		return nil, organizationError(err)
	}
	_, id, err := theUser(s, text)
	if err != nil {
		return nil, err
	}
	return enrol.InviteRecovery(ctx, s, id, mail)
}

func decodeListRecoveries(r *request) (action, error) {
	m := &agentpb.ListRecoveries{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		// Servers tell of no recovery that is set up or deleted (docs/spec/parsec-cloud-rpc.md 3.10). Without the server, what is known is shown.
		if err := s.Refresh(ctx); err != nil && !errors.Is(err, cloud.ErrOffline) {
			return nil, organizationError(err)
		}
		all, err := enrol.Recoveries(s)
		if err != nil {
			return nil, organizationError(err)
		}
		result := &agentpb.ListRecoveriesResult{}
		for i := range all {
			result.Recoveries = append(result.Recoveries, recoveryMessage(s, &all[i]))
		}
		return psa.Marshal(result)
	}, nil
}

// recoveryMessage is a shared recovery as frontends get it.
func recoveryMessage(s *session.Session, of *enrol.SharedRecovery) *agentpb.SharedRecovery {
	m := &agentpb.SharedRecovery{
		User: of.Owner.String(), Own: of.Owner == s.User(), State: string(of.State), Threshold: uint32(of.Threshold), CreatedUnixMs: of.Created.Time().UnixMilli(),
	}
	m.Email, m.Name = humanTexts(of.Human)
	if of.Deleted != nil {
		m.DeletedUnixMs = of.Deleted.Time().UnixMilli()
	}
	for _, h := range of.Holders {
		holder := &agentpb.SharedRecovery_Holder{User: h.User.String(), Shares: uint32(h.Shares), Revoked: h.Revoked}
		holder.Email, holder.Name = humanTexts(h.Human)
		m.Holders = append(m.Holders, holder)
	}
	return m
}

func humanTexts(h *trust.HumanHandle) (email, name string) {
	if h == nil {
		return "", ""
	}
	return h.Email.String(), h.Label.String()
}

func decodeSetUpRecovery(r *request) (action, error) {
	m := &agentpb.SetUpRecovery{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	if m.GetThreshold() > math.MaxUint8 || len(m.GetHolders()) > trust.MaxShares {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "there are at most %d shares", trust.MaxShares)
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		if err := s.Refresh(ctx); err != nil {
			return nil, organizationError(err)
		}
		shares, err := sharesOf(s, m.GetHolders())
		if err != nil {
			return nil, err
		}
		if err := enrol.SetUpRecovery(ctx, s, uint8(m.GetThreshold()), shares); err != nil { //nolint:gosec // checked when it was decoded
			return nil, organizationError(err)
		}
		own, err := ownRecovery(s)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.SetUpRecoveryResult{Recovery: own})
	}, nil
}

// sharesOf finds the people who are to hold shares.
func sharesOf(s *session.Session, holders []*agentpb.SharedRecovery_Holder) (map[trust.UserID]uint8, error) {
	shares := map[trust.UserID]uint8{}
	for _, h := range holders {
		_, id, err := theUser(s, h.GetUser())
		if err != nil {
			return nil, err
		}
		if h.GetShares() == 0 || h.GetShares() > trust.MaxShares {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "somebody holds 1 to %d shares", trust.MaxShares)
		}
		if _, twice := shares[id]; twice {
			return nil, &wire.Error{Status: wire.StatusInvalidArgument, Object: fmt.Sprintf("user %q", text(h.GetUser())), Reason: "is named twice"}
		}
		shares[id] = uint8(h.GetShares()) //nolint:gosec // it was looked at
	}
	return shares, nil
}

// ownRecovery is the caller's shared recovery as it is now.
func ownRecovery(s *session.Session) (*agentpb.SharedRecovery, error) {
	all, err := enrol.Recoveries(s)
	if err != nil {
		return nil, organizationError(err)
	}
	for i := range all {
		if all[i].Owner == s.User() {
			return recoveryMessage(s, &all[i]), nil
		}
	}
	return nil, &wire.Error{Status: wire.StatusDoesNotExist, Reason: "no shared recovery is set up"}
}

func decodeDeleteRecovery(r *request) (action, error) {
	m := &agentpb.DeleteRecovery{}
	if err := psa.Unmarshal(r.Body, m); err != nil {
		return nil, err
	}
	return func(ctx context.Context, r *request) ([]byte, error) {
		s, err := r.session(ctx, m.GetDevice())
		if err != nil {
			return nil, err
		}
		if err := enrol.DeleteRecovery(ctx, s); err != nil {
			return nil, organizationError(err)
		}
		own, err := ownRecovery(s)
		if err != nil {
			return nil, err
		}
		return psa.Marshal(&agentpb.DeleteRecoveryResult{Recovery: own})
	}, nil
}

// recoveryFile certifies a recovery device of the caller's user and returns it as a file.
func (r *request) recoveryFile(ctx context.Context, device string) (file, passphrase []byte, err error) {
	s, err := r.session(ctx, device)
	if err != nil {
		return nil, nil, err
	}
	file, passphrase, err = r.person().desk.RecoveryFile(ctx, s)
	return file, passphrase, organizationError(err)
}
