package tpm

import (
	"context"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// turnBytes is how many random bytes are drawn before others have their turn.
const turnBytes = 1024

// Random fills b from the TPM's generator, in as many commands as it takes.
func (p *Provider) Random(ctx context.Context, b []byte) error {
	for len(b) > 0 {
		part := b[:min(len(b), turnBytes)]
		b = b[len(part):]
		if err := p.do(ctx, func(c *call) error { return c.random(part) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) random(b []byte) error {
	for len(b) > 0 {
		rsp, err := run(c, command[tpm2.GetRandomResponse](tpm2.GetRandom{
			BytesRequested: uint16(min(len(b), turnBytes)),
		}), c.session.with(nil, encryptResponse))
		if err != nil {
			return err
		}
		got := rsp.RandomBytes.Buffer
		if len(got) == 0 || len(got) > len(b) {
			return wire.Errorf(wire.StatusInsufficientEntropy, "TPM2_GetRandom answered %d bytes where %d were asked for", len(got), len(b))
		}
		b = b[copy(b, got):]
		clear(got)
	}
	return nil
}
