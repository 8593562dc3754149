package client

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/agent/agentpb"
)

// RootKey tells of the root key of a software provider.
type RootKey struct {
	// ID is its public name, Place where it is now.
	ID, Place string
}

// NewRecoveryKey has the agent draw a recovery key for a provider's root key, in its
// written form; an empty name is the only provider that has one. Nothing is changed. For
// administrators. The caller wipes it.
func (c *Client) NewRecoveryKey(ctx context.Context, provider string) ([]byte, error) {
	var m agentpb.SealRootResult
	err := c.do(ctx, call{
		op: agent.OpSealRoot, once: true, needs: "sealing", in: &agentpb.SealRoot{ProviderName: provider},
	}, &m)
	return m.GetRecoveryKey(), err
}

// SealRoot seals a provider's root key to the configured TPM. Afterwards nothing but that
// TPM, and the recovery key, opens the keys. For administrators.
func (c *Client) SealRoot(ctx context.Context, provider string, recoveryKey []byte) (RootKey, error) {
	var m agentpb.SealRootResult
	err := c.do(ctx, call{
		op: agent.OpSealRoot, once: true, needs: "sealing", in: &agentpb.SealRoot{ProviderName: provider, RecoveryKey: recoveryKey},
	}, &m)
	return RootKey{m.GetRootKey(), m.GetPlace()}, err
}

// RecoverRoot opens a provider's keys with their recovery key, and puts the root key where
// the configuration says. For administrators.
func (c *Client) RecoverRoot(ctx context.Context, provider string, recoveryKey []byte) (RootKey, error) {
	var m agentpb.RecoverRootResult
	err := c.do(ctx, call{
		op: agent.OpRecoverRoot, once: true, needs: "recovery", in: &agentpb.RecoverRoot{ProviderName: provider, RecoveryKey: recoveryKey},
	}, &m)
	return RootKey{m.GetRootKey(), m.GetPlace()}, err
}
