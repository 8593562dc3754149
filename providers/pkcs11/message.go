package pkcs11

import (
	"context"
	"crypto/ed25519"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// SignMessage signs a message. It is hashed here, except for Ed25519, where the token does
// it all.
func (p *Provider) SignMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message []byte) ([]byte, error) {
	if alg.Kind != psa.AlgPureEdDSA {
		hash, err := providers.Digest(alg.Hash.Std(), message)
		if err != nil {
			return nil, err
		}
		return p.SignHash(ctx, key, alg, hash)
	}
	if key.Attributes.Type.Public() {
		return nil, wire.Errorf(wire.StatusNotPermitted, "a public key cannot sign")
	}
	sig, err := p.operate(ctx, key, ck.ClassPrivateKey, &frame.Request{
		Op: frame.OpSign, Mechanism: frame.Mechanism{Type: ck.MechEDDSA}, Data: message,
	})
	if err == nil && len(sig) != ed25519.SignatureSize {
		return nil, wire.Errorf(wire.StatusHardwareFailure, "the token made a signature of %d bytes, %d were expected", len(sig), ed25519.SignatureSize)
	}
	return sig, err
}

// VerifyMessage verifies the signature of a message.
func (p *Provider) VerifyMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message, sig []byte) error {
	if alg.Kind != psa.AlgPureEdDSA {
		hash, err := providers.Digest(alg.Hash.Std(), message)
		if err != nil {
			return err
		}
		return p.VerifyHash(ctx, key, alg, hash, sig)
	}
	if len(sig) != ed25519.SignatureSize {
		return wire.Errorf(wire.StatusInvalidSignature, "the signature has %d bytes, those of this key have %d", len(sig), ed25519.SignatureSize)
	}
	if p.o.SoftwarePublicOperations {
		return p.verifyEdwards(ctx, key, message, sig)
	}
	_, err := p.operate(ctx, key, ck.ClassPublicKey, &frame.Request{
		Op: frame.OpVerify, Mechanism: frame.Mechanism{Type: ck.MechEDDSA}, Data: message, Signature: sig,
	})
	if publicMissing(key, err) {
		return p.verifyEdwards(ctx, key, message, sig)
	}
	return err
}

// verifyEdwards verifies in the agent.
func (p *Provider) verifyEdwards(ctx context.Context, key providers.Key, message, sig []byte) error {
	k, err := p.public(ctx, key)
	if err != nil {
		return err
	}
	if public := k.ed25519(); public == nil || !ed25519.Verify(public, message, sig) {
		return wire.StatusInvalidSignature
	}
	return nil
}
