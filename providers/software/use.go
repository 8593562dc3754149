package software

import (
	"context"
	"crypto/rand"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material"
)

// compute uses the key for a result.
func (p *Provider) compute(ctx context.Context, key providers.Key, use func(*material.Key) ([]byte, error)) ([]byte, error) {
	e, err := p.use(ctx, key)
	if err != nil {
		return nil, err
	}
	defer p.cache.release(e)
	return use(e.key)
}

// verify uses the key for a verdict.
func (p *Provider) verify(ctx context.Context, key providers.Key, use func(*material.Key) error) error {
	e, err := p.use(ctx, key)
	if err != nil {
		return err
	}
	defer p.cache.release(e)
	return use(e.key)
}

// ExportPublicKey returns the public half.
func (p *Provider) ExportPublicKey(ctx context.Context, key providers.Key) ([]byte, error) {
	return p.compute(ctx, key, (*material.Key).Public)
}

// SignHash signs a hash.
func (p *Provider) SignHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.SignHash(alg, hash) })
}

// VerifyHash verifies the signature of a hash.
func (p *Provider) VerifyHash(ctx context.Context, key providers.Key, alg psa.Algorithm, hash, signature []byte) error {
	return p.verify(ctx, key, func(k *material.Key) error { return k.VerifyHash(alg, hash, signature) })
}

// SignMessage signs a message.
func (p *Provider) SignMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.SignMessage(alg, message) })
}

// VerifyMessage verifies the signature of a message.
func (p *Provider) VerifyMessage(ctx context.Context, key providers.Key, alg psa.Algorithm, message, signature []byte) error {
	return p.verify(ctx, key, func(k *material.Key) error { return k.VerifyMessage(alg, message, signature) })
}

// AsymmetricEncrypt encrypts to the public half.
func (p *Provider) AsymmetricEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, plaintext, salt []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.Encrypt(alg, plaintext, salt) })
}

// AsymmetricDecrypt decrypts with the private half.
func (p *Provider) AsymmetricDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext, salt []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.Decrypt(alg, ciphertext, salt) })
}

// AEADEncrypt seals.
func (p *Provider) AEADEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.Seal(alg, in) })
}

// AEADDecrypt opens.
func (p *Provider) AEADDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, in providers.AEADInput) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.Open(alg, in) })
}

// CipherEncrypt encrypts without authentication.
func (p *Provider) CipherEncrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, plaintext []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.CipherEncrypt(alg, plaintext) })
}

// CipherDecrypt decrypts without authentication.
func (p *Provider) CipherDecrypt(ctx context.Context, key providers.Key, alg psa.Algorithm, ciphertext []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.CipherDecrypt(alg, ciphertext) })
}

// MACCompute computes a message authentication code.
func (p *Provider) MACCompute(ctx context.Context, key providers.Key, alg psa.Algorithm, input []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.MAC(alg, input) })
}

// MACVerify verifies a message authentication code.
func (p *Provider) MACVerify(ctx context.Context, key providers.Key, alg psa.Algorithm, input, mac []byte) error {
	return p.verify(ctx, key, func(k *material.Key) error { return k.VerifyMAC(alg, input, mac) })
}

// RawKeyAgreement computes the shared secret with a peer's public key.
func (p *Provider) RawKeyAgreement(ctx context.Context, key providers.Key, alg psa.Algorithm, peer []byte) ([]byte, error) {
	return p.compute(ctx, key, func(k *material.Key) ([]byte, error) { return k.Agree(alg, peer) })
}

// HashCompute hashes.
func (*Provider) HashCompute(_ context.Context, alg psa.Hash, input []byte) ([]byte, error) {
	return material.HashCompute(alg, input)
}

// Random fills b from the system's random generator, in pieces between which the caller
// can give up.
func (*Provider) Random(ctx context.Context, b []byte) error {
	const piece = 64 << 10
	for len(b) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(len(b), piece)
		_, _ = rand.Read(b[:n]) // never fails
		b = b[n:]
	}
	return nil
}

// CanDo answers what can be done with keys of these attributes.
func (*Provider) CanDo(q providers.Capability) error { return material.Advise(q) }
