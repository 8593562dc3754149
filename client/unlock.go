package client

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// UnlockRequest says how to unlock the token of a provider.
type UnlockRequest struct {
	// Instance is the name of the provider.
	Instance string
	// PIN is the token's user PIN; the caller wipes it.
	PIN []byte
	// PINPad has the token ask on its own PIN pad instead.
	PINPad bool
	// LastTry uses also the last try that the token has.
	LastTry bool
}

// Unlocked is what came of it.
type Unlocked struct {
	Token   string
	Already bool      // it was unlocked before; the PIN was not looked at
	Until   time.Time // when the PIN is forgotten, zero for never
}

// Unlock gives the agent the PIN of a token, which it keeps until Lock. It is never
// repeated. For administrators, and who the agent's configuration names.
func (c *Client) Unlock(ctx context.Context, r UnlockRequest) (Unlocked, error) {
	in := &agentpb.Unlock{ProviderName: r.Instance, Pin: r.PIN, PinPad: r.PINPad, LastTry: r.LastTry}
	var m agentpb.UnlockResult
	if err := c.do(ctx, call{op: agent.OpUnlock, in: in, once: true, needs: "PINs that a person gives"}, &m); err != nil {
		return Unlocked{}, err
	}
	out := Unlocked{Token: m.GetToken(), Already: m.GetAlready()}
	if ms := m.GetUntilUnixMs(); ms > 0 {
		out.Until = time.UnixMilli(ms)
	}
	return out, nil
}

// Lock has the agent forget the PIN of a token and log out.
func (c *Client) Lock(ctx context.Context, instance string) error {
	in := &agentpb.Unlock{ProviderName: instance, Lock: true}
	return c.do(ctx, call{op: agent.OpUnlock, in: in, needs: "PINs that a person gives"}, nil)
}
