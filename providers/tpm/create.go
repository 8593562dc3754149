package tpm

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/google/go-tpm/tpm2"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
)

// CheckNewKey refuses to import what no TPM holds, before the name is looked at.
func (p *Provider) CheckNewKey(attrs psa.Attributes, data []byte) error {
	if data != nil && !attrs.Type.RSA() && !attrs.Type.ECC() {
		return wire.Errorf(wire.StatusNotSupported, "keys of type %s cannot be imported into a TPM", attrs.Type)
	}
	return nil
}

// GenerateKey lets the TPM make a key. The id holds the key, wrapped by the storage key.
func (p *Provider) GenerateKey(ctx context.Context, attrs psa.Attributes) (providers.KeyID, error) {
	if attrs.Type.Public() {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "a public key cannot be generated")
	}
	public, err := publicArea(attrs)
	if err != nil {
		return nil, err
	}
	if attrs.Type == psa.KeyHMAC {
		return p.generateHMAC(ctx, attrs, public)
	}
	return p.create(ctx, &stored{auth: newAuth()}, public, nil)
}

// SelfContained says that key ids are the keys.
func (p *Provider) SelfContained() {}

// create runs TPM2_Create and encodes the result; data is the secret of a keyed hash.
func (p *Provider) create(ctx context.Context, s *stored, public *tpm2.TPMTPublic, data []byte) (providers.KeyID, error) {
	err := p.do(ctx, func(c *call) error {
		sensitive := &tpm2.TPMSSensitiveCreate{UserAuth: tpm2.TPM2BAuth{Buffer: s.auth}}
		if data != nil {
			sensitive.Data = tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: data})
		}
		c.cache.shrink(c, c.can.transient-2) // the TPM needs a slot for the work
		rsp, err := run(c, command[tpm2.CreateResponse](tpm2.Create{
			ParentHandle: c.parent(), InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: sensitive}, InPublic: tpm2.New2B(*public),
		}))
		if err != nil {
			return as(wire.StatusNotSupported, err, tpm2.TPMRCValue, tpm2.TPMRCAttributes)
		}
		made, err := rsp.OutPublic.Contents()
		if err == nil {
			err = s.take(made)
		}
		if err != nil {
			return wire.Errorf(wire.StatusCommunicationFailure, "TPM2_Create: %w", err)
		}
		s.private = rsp.OutPrivate.Buffer
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.encode(), nil
}

// newAuth draws an authorisation value. A TPM strips zero bytes at its end, so the last is
// none: then nothing depends on who strips.
func newAuth() []byte {
	b := make([]byte, authSize)
	for b[authSize-1] == 0 {
		_, _ = rand.Read(b) // never fails
	}
	return b
}

// generateHMAC lets the TPM draw the key. It draws as many bytes as the hash has; another
// length is drawn here.
func (p *Provider) generateHMAC(ctx context.Context, attrs psa.Attributes, public *tpm2.TPMTPublic) (providers.KeyID, error) {
	size := attrs.Alg.Hash.Size()
	if attrs.Bits == uint64(size)*8 { //nolint:gosec // a small size
		return p.create(ctx, &stored{auth: newAuth()}, public, nil)
	}
	longest := maxHMACKey(attrs.Alg.Hash)
	if attrs.Bits == 0 || attrs.Bits%8 != 0 || attrs.Bits/8 > uint64(longest) { //nolint:gosec // a small size
		return nil, wire.Errorf(wire.StatusNotSupported, "HMAC keys of a TPM have 8 to %d bits, whole bytes, not %d", longest*8, attrs.Bits)
	}
	key := make([]byte, attrs.Bits/8)
	defer clear(key)
	if err := p.Random(ctx, key); err != nil {
		return nil, err
	}
	return p.createFrom(ctx, public, key)
}

// createFrom makes a keyed hash key from its bytes.
func (p *Provider) createFrom(ctx context.Context, public *tpm2.TPMTPublic, key []byte) (providers.KeyID, error) {
	public.ObjectAttributes.SensitiveDataOrigin = false
	return p.create(ctx, &stored{auth: newAuth(), form: formProvided}, public, key)
}

// DestroyKey forgets a key: it is nothing but its id, which the agent removes.
func (p *Provider) DestroyKey(ctx context.Context, key providers.Key) error {
	if _, err := decode(key.ID); err != nil && !errors.Is(err, errLegacy) {
		return undecodable(err)
	}
	return p.do(ctx, func(c *call) error {
		c.cache.forget(c, key.ID)
		return nil
	})
}

// maxHMACKey is the longest key in bytes: one block of the hash, and no more than the 128
// bytes that every TPM takes as data.
func maxHMACKey(h psa.Hash) int { return min(h.Std().New().BlockSize(), 128) }
