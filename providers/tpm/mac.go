package tpm

import (
	"context"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// MACCompute computes an HMAC in the TPM.
func (p *Provider) MACCompute(ctx context.Context, key providers.Key, alg psa.Algorithm, input []byte) ([]byte, error) {
	if alg.Kind != psa.AlgHMAC {
		return nil, wire.Errorf(wire.StatusNotSupported, "a TPM computes HMAC, not %s", alg)
	}
	if err := fits(key, alg); err != nil {
		return nil, err
	}
	size := uint64(alg.Hash.Size()) //nolint:gosec // the length of a hash
	if alg.Truncated {
		if alg.Length == 0 || alg.Length > size {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "an HMAC with %s has 1 to %d bytes, not %d", alg.Hash, size, alg.Length)
		}
		size = alg.Length
	}
	var mac []byte
	err := p.withKey(ctx, key, func(c *call, l loaded) (err error) {
		mac, err = c.hmac(l, hashes[alg.Hash], input)
		return err
	})
	if err == nil && uint64(len(mac)) < size {
		err = wire.Errorf(wire.StatusCommunicationFailure, "TPM2_HMAC answered %d bytes", len(mac))
	}
	if err != nil {
		return nil, err
	}
	return mac[:size], nil
}

// hmac sends short input at once and longer input in parts.
func (c *call) hmac(l loaded, hash tpm2.TPMAlgID, input []byte) ([]byte, error) {
	if len(input) <= c.can.buffer {
		rsp, err := run(c, command[tpm2.HmacResponse](tpm2.Hmac{
			Handle: l.authorized(c, encryptBoth), Buffer: tpm2.TPM2BMaxBuffer{Buffer: input}, HashAlg: hash,
		}))
		if err != nil {
			return nil, err
		}
		return rsp.OutHMAC.Buffer, nil
	}
	c.cache.shrink(c, 1) // a sequence takes the place of a key; ours was used last
	started, err := run(c, command[tpm2.HmacStartResponse](tpm2.HmacStart{Handle: l.authorized(c, encryptNone), HashAlg: hash}))
	if err != nil {
		return nil, err
	}
	sequence := tpm2.TPMHandle(started.SequenceHandle.HandleValue())
	for ; len(input) > c.can.buffer; input = input[c.can.buffer:] {
		_, err := run(c, command[tpm2.SequenceUpdateResponse](tpm2.SequenceUpdate{
			SequenceHandle: tpm2.AuthHandle{Handle: sequence, Auth: c.session.with(nil, encryptCommand)},
			Buffer:         tpm2.TPM2BMaxBuffer{Buffer: input[:c.can.buffer]},
		}))
		if err != nil {
			c.flush(sequence)
			return nil, err
		}
	}
	rsp, err := run(c, command[tpm2.SequenceCompleteResponse](tpm2.SequenceComplete{
		SequenceHandle: tpm2.AuthHandle{Handle: sequence, Auth: c.session.with(nil, encryptBoth)},
		Buffer:         tpm2.TPM2BMaxBuffer{Buffer: input}, Hierarchy: tpm2.TPMRHNull,
	}))
	if err != nil {
		c.flush(sequence)
		return nil, err
	}
	return rsp.Result.Buffer, nil
}
