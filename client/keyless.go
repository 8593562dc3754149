package client

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/psa/psapb"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// keyless makes a request to the provider that needs neither a key nor authentication.
// It carries authentication all the same where there is one, as the original's clients do.
func (c *Client) keyless(ctx context.Context, op wire.Opcode, in proto.Message) ([]byte, error) {
	q, err := c.crypto(ctx, op, "")
	if err != nil {
		return nil, err
	}
	q.in, q.optional = in, true
	c.choosing(&q)
	return c.output(ctx, q)
}

// GenerateRandom returns n random bytes of the provider. The original's TPM provider
// returns fewer than asked for; the rest is then asked for again.
func (c *Client) GenerateRandom(ctx context.Context, n uint64) ([]byte, error) {
	var whole []byte
	for {
		left := n - uint64(len(whole))
		b, err := c.keyless(ctx, wire.OpGenerateRandom, &psapb.GenerateRandom{Size: left})
		if err == nil && (uint64(len(b)) > left || len(b) == 0 && left > 0) {
			err = &ProtocolError{c.endpoint, fmt.Sprintf("asked for %d random bytes, it holds %d", left, len(b))}
		}
		if err != nil {
			clear(whole)
			return nil, err
		}
		if uint64(len(b)) == n {
			return b, nil
		}
		joined := slices.Concat(whole, b)
		clear(whole)
		clear(b)
		if whole = joined; uint64(len(whole)) == n {
			return whole, nil
		}
	}
}

// HashCompute returns the hash of the input.
func (c *Client) HashCompute(ctx context.Context, hash psa.Hash, input []byte) ([]byte, error) {
	return c.keyless(ctx, wire.OpHashCompute, &psapb.HashCompute{Alg: int32(hash), Input: input})
}

// HashCompare compares the hash of the input with an expected one; a difference is
// StatusInvalidSignature.
func (c *Client) HashCompare(ctx context.Context, hash psa.Hash, input, expected []byte) error {
	_, err := c.keyless(ctx, wire.OpHashCompare, &psapb.HashCompare{Alg: int32(hash), Input: input, Hash: expected})
	return err
}
