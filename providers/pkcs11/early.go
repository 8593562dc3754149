package pkcs11

import (
	"context"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// What is decided before the token is asked.

// checkPlaintext refuses a plaintext that is too long for the key: what tokens say of that
// is often no more than a general error.
func (p *Provider) checkPlaintext(ctx context.Context, key providers.Key, alg psa.Algorithm, n int) error {
	const smallestPadding = 11 // of PKCS#1 v1.5
	padding := smallestPadding
	if alg.Kind == psa.AlgRSAOAEP {
		padding = 2*alg.Hash.Size() + 2
	}
	size, err := p.modulus(ctx, key)
	if err != nil {
		return err
	}
	if n > size-padding {
		return wire.Errorf(wire.StatusInvalidArgument, "a plaintext of %d bytes is too long for %s with a key of %d bits", n, alg, 8*size)
	}
	return nil
}

// verifyLacked verifies in the agent what no token can: PSS with hashes that its mechanism
// has no name for here. done is false for everything else.
func (p *Provider) verifyLacked(ctx context.Context, key providers.Key, alg psa.Algorithm, hash, sig []byte) (done bool, err error) {
	if _, known := tokenHashes[alg.Hash]; known || alg.Kind != psa.AlgRSAPSS {
		return false, nil
	}
	return p.verifyHere(ctx, key, alg, hash, sig)
}
