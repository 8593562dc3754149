package enrol

import (
	"context"
	"crypto/subtle"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// The handshake (docs/spec/parsec-cloud-client.md 2.3). Both sides agree on a key with whoever answers, and commit themselves to nonces
// before they know those of the other side: the claimer by a digest, the greeter by answering it. Who stands in between has a key
// with each side, and codes that it can neither choose nor try out.

// channel is what both sides have in common after the handshake.
type channel struct {
	shared trust.SecretKey
	// claimer and greeter are the codes that they say.
	claimer, greeter trust.SASCode
}

// candidates is how many codes there are to choose from.
const candidates = 4

// claimerChannel is the handshake of a claimer after step 0, at which own was said and peer was heard.
func claimerChannel(ctx context.Context, l *claimerLine, own trust.PrivateKey, peer trust.PublicKey) (*channel, error) {
	shared, err := own.ClaimerSharedSecret(peer)
	if err != nil {
		return nil, l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	nonce := trust.GenerateNonce()
	greeter, err := claimerNonces(ctx, l, nonce[:])
	if err != nil {
		shared.Wipe()
		return nil, err
	}
	return newChannel(shared, nonce[:], greeter)
}

func claimerNonces(ctx context.Context, l *claimerLine, own []byte) ([]byte, error) {
	step, err := l.exchange(ctx, &cloud.ClaimerStep1SendHashedNonce{HashedNonce: trust.Digest(own)})
	if err != nil {
		return nil, err
	}
	if _, err := want[*cloud.GreeterStep1GetHashedNonce](step); err != nil {
		return nil, err
	}
	if step, err = l.exchange(ctx, &cloud.ClaimerStep2GetNonce{}); err != nil {
		return nil, err
	}
	peer, err := want[*cloud.GreeterStep2SendNonce](step)
	if err != nil {
		return nil, err
	}
	if len(peer.GreeterNonce) != trust.NonceSize {
		return nil, l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	if step, err = l.exchange(ctx, &cloud.ClaimerStep3SendNonce{ClaimerNonce: own}); err != nil {
		return nil, err
	}
	_, err = want[*cloud.GreeterStep3GetNonce](step)
	return peer.GreeterNonce, err
}

// greeterChannel is the handshake of a greeter after step 0.
func greeterChannel(ctx context.Context, l *greeterLine, own trust.PrivateKey, peer trust.PublicKey) (*channel, error) {
	shared, err := own.GreeterSharedSecret(peer)
	if err != nil {
		return nil, l.fail(ctx, cloud.CancelledInconsistentPayload)
	}
	nonce := trust.GenerateNonce()
	claimer, err := greeterNonces(ctx, l, nonce[:])
	if err != nil {
		shared.Wipe()
		return nil, err
	}
	return newChannel(shared, claimer, nonce[:])
}

func greeterNonces(ctx context.Context, l *greeterLine, own []byte) ([]byte, error) {
	step, err := l.exchange(ctx, &cloud.GreeterStep1GetHashedNonce{})
	if err != nil {
		return nil, err
	}
	announced, err := want[*cloud.ClaimerStep1SendHashedNonce](step)
	if err != nil {
		return nil, err
	}
	if step, err = l.exchange(ctx, &cloud.GreeterStep2SendNonce{GreeterNonce: own}); err != nil {
		return nil, err
	}
	if _, err := want[*cloud.ClaimerStep2GetNonce](step); err != nil {
		return nil, err
	}
	if step, err = l.exchange(ctx, &cloud.GreeterStep3GetNonce{}); err != nil {
		return nil, err
	}
	peer, err := want[*cloud.ClaimerStep3SendNonce](step)
	if err != nil {
		return nil, err
	}
	digest := trust.Digest(peer.ClaimerNonce)
	if len(peer.ClaimerNonce) != trust.NonceSize || subtle.ConstantTimeCompare(digest[:], announced.HashedNonce[:]) != 1 {
		return nil, l.fail(ctx, cloud.CancelledInvalidNonceHash)
	}
	return peer.ClaimerNonce, nil
}

func newChannel(shared trust.SecretKey, claimerNonce, greeterNonce []byte) (*channel, error) {
	claimer, greeter, err := trust.SASCodes(shared, claimerNonce, greeterNonce)
	if err != nil {
		shared.Wipe()
		return nil, err
	}
	return &channel{shared: shared, claimer: claimer, greeter: greeter}, nil
}
