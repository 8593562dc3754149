package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// SharedRecovery is what brings a user back whom others let in again.
type SharedRecovery struct {
	User, Email, Name string // whose it is
	Own               bool
	State             string // "valid", "reduced", "unusable" or "deleted"
	Threshold         int
	Created, Deleted  time.Time
	Holders           []Holder
}

// Holder holds shares of a recovery.
type Holder struct {
	User, Email, Name string // User is an id; in requests a text that fits one user
	Shares            int    // 1 to 255
	Revoked           bool
}

func readRecovery(m *agentpb.SharedRecovery) SharedRecovery {
	r := SharedRecovery{
		User: m.GetUser(), Email: m.GetEmail(), Name: m.GetName(), Own: m.GetOwn(), State: m.GetState(), Threshold: int(m.GetThreshold()),
		Created: moment(m.GetCreatedUnixMs()), Deleted: moment(m.GetDeletedUnixMs()),
	}
	for _, h := range m.GetHolders() {
		r.Holders = append(r.Holders, Holder{h.GetUser(), h.GetEmail(), h.GetName(), int(h.GetShares()), h.GetRevoked()})
	}
	return r
}

// ListRecoveries lists the caller's own shared recovery, if there ever was one, and those of which the caller holds shares.
func (c *Client) ListRecoveries(ctx context.Context, device string) ([]SharedRecovery, error) {
	var m agentpb.ListRecoveriesResult
	err := c.do(ctx, call{op: agent.OpListRecoveries, in: &agentpb.ListRecoveries{Device: device}, object: deviceObject(device), needs: needsOrganizations}, &m)
	all := make([]SharedRecovery, 0, len(m.GetRecoveries()))
	for _, r := range m.GetRecoveries() {
		all = append(all, readRecovery(r))
	}
	return all, err
}

// SetUpRecovery deals shares of the caller's recovery; threshold of them bring the caller back.
func (c *Client) SetUpRecovery(ctx context.Context, device string, threshold int, holders []Holder) (SharedRecovery, error) {
	in := &agentpb.SetUpRecovery{Device: device, Threshold: uint32(max(threshold, 0))} //nolint:gosec // the agent refuses what is too large
	for _, h := range holders {
		in.Holders = append(in.Holders, &agentpb.SharedRecovery_Holder{User: h.User, Shares: uint32(max(h.Shares, 0))}) //nolint:gosec // likewise
	}
	var m agentpb.SetUpRecoveryResult
	err := c.do(ctx, call{op: agent.OpSetUpRecovery, in: in, once: true, object: deviceObject(device), needs: needsOrganizations}, &m)
	return readRecovery(m.GetRecovery()), err
}

// DeleteRecovery makes the shares of the caller's recovery useless.
func (c *Client) DeleteRecovery(ctx context.Context, device string) (SharedRecovery, error) {
	var m agentpb.DeleteRecoveryResult
	err := c.do(ctx, call{op: agent.OpDeleteRecovery, in: &agentpb.DeleteRecovery{Device: device}, once: true, object: deviceObject(device), needs: needsOrganizations}, &m)
	return readRecovery(m.GetRecovery()), err
}
