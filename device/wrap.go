package device

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Keys are the provider keys of one person's devices. They belong to an owner that nobody can ask for a key as: what
// opens a device is this package alone.
type Keys interface {
	// Make makes a key of the attributes that choose returns for the provider, durably. What has the name is destroyed first.
	Make(ctx context.Context, instance, name string, choose func(providers.Provider) (psa.Attributes, error)) error
	// Use calls f with a key. One that is not there is wire.StatusDoesNotExist.
	Use(ctx context.Context, instance, name string, f func(providers.Provider, providers.Key) error) error
	// Destroy removes a key for good; one that is not there is no error.
	Destroy(ctx context.Context, instance, name string) error
}

// wrapWay is how a provider key wraps a secret.
type wrapWay byte

const (
	wrapECDH wrapWay = 1 // the secret is what the key agrees on with an ephemeral key of P-256
	wrapOAEP wrapWay = 2 // the secret is random and encrypted by RSAES-OAEP with SHA-256
)

func (w wrapWay) known() bool { return w == wrapECDH || w == wrapOAEP }

var (
	ecdhAttributes = psa.Attributes{
		Type: psa.KeyECCPair, Curve: psa.CurveSECPR1, Bits: 256, Usage: psa.UsageDerive, Alg: psa.Algorithm{Kind: psa.AlgECDH},
	}
	oaepAttributes = psa.Attributes{
		Type: psa.KeyRSAPair, Bits: 2048, Usage: psa.UsageEncrypt | psa.UsageDecrypt,
		Alg: psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256},
	}
)

// chooseKey returns what key a provider is to make: the faster way, if it has both.
func chooseKey(p providers.Provider) (psa.Attributes, error) {
	switch id := p.Info().ID; id {
	case wire.ProviderTPM, wire.ProviderPKCS11:
	default:
		return psa.Attributes{}, &wire.Error{
			Status: wire.StatusNotSupported,
			Reason: fmt.Sprintf("keys of provider %q are files of this machine, which bind nothing to it", p.Info().Name),
			Remedy: "name a provider that is a TPM or a token, see parsecctl provider list",
		}
	}
	advisor, ok := p.(providers.Advisor)
	if !ok {
		return ecdhAttributes, nil
	}
	err := advisor.CanDo(providers.Capability{Check: psa.CheckGenerate, Attributes: ecdhAttributes})
	if wire.StatusOf(err) != wire.StatusNotSupported {
		return ecdhAttributes, err
	}
	return oaepAttributes, advisor.CanDo(providers.Capability{Check: psa.CheckGenerate, Attributes: oaepAttributes})
}

// wrap makes a secret that only the key gives back.
func (p *providerLayer) wrap(ctx context.Context, keys Keys) (secret []byte, err error) {
	err = keys.Use(ctx, p.instance, p.key, func(provider providers.Provider, key providers.Key) error {
		exporter, ok := provider.(providers.PublicExporter)
		if !ok {
			return wire.Errorf(wire.StatusNotSupported, "provider %q does not show public keys", p.instance)
		}
		if p.public, err = exporter.ExportPublicKey(ctx, key); err != nil {
			return err
		}
		if key.Attributes.Type.ECC() {
			p.way = wrapECDH
			secret, p.wrapped, err = agreeAnew(p.public)
		} else {
			p.way = wrapOAEP
			secret, p.wrapped, err = encryptAnew(p.public)
		}
		return err
	})
	return secret, err
}

func agreeAnew(public []byte) (secret, wrapped []byte, err error) {
	peer, err := ecdh.P256().NewPublicKey(public)
	if err != nil {
		return nil, nil, wire.Errorf(wire.StatusHardwareFailure, "the new key's public half is no point: %w", err)
	}
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	secret, err = ephemeral.ECDH(peer)
	return secret, ephemeral.PublicKey().Bytes(), err
}

func encryptAnew(public []byte) (secret, wrapped []byte, err error) {
	peer, err := x509.ParsePKCS1PublicKey(public)
	if err != nil {
		return nil, nil, wire.Errorf(wire.StatusHardwareFailure, "the new key's public half is none: %w", err)
	}
	secret = make([]byte, trust.KeySize)
	_, _ = rand.Read(secret) // never fails
	wrapped, err = rsa.EncryptOAEP(sha256.New(), rand.Reader, peer, secret, nil)
	return secret, wrapped, err
}

// unwrap asks the provider key for the secret. The caller wipes it.
func (p *providerLayer) unwrap(ctx context.Context, keys Keys) (secret []byte, err error) {
	err = keys.Use(ctx, p.instance, p.key, func(provider providers.Provider, key providers.Key) error {
		if err := p.same(ctx, provider, key); err != nil {
			return err
		}
		secret, err = p.ask(ctx, provider, key)
		if status := wire.StatusOf(err); status == wire.StatusInvalidArgument || status == wire.StatusInvalidPadding {
			return damaged(fmt.Errorf("what its provider key is to unwrap is not of that key: %w", err))
		}
		return err
	})
	if wire.StatusOf(err) == wire.StatusDoesNotExist {
		return nil, p.stranger(err)
	}
	if err == nil && len(secret) != trust.KeySize {
		clear(secret)
		return nil, wire.Errorf(wire.StatusHardwareFailure, "provider %q unwrapped %d bytes", p.instance, len(secret))
	}
	return secret, err
}

func (p *providerLayer) ask(ctx context.Context, provider providers.Provider, key providers.Key) ([]byte, error) {
	if p.way == wrapECDH {
		agreer, ok := provider.(providers.KeyAgreer)
		if !ok || !key.Attributes.Type.ECC() {
			return nil, wire.Errorf(wire.StatusNotSupported, "provider %q does not agree with that key", p.instance)
		}
		return agreer.RawKeyAgreement(ctx, key, ecdhAttributes.Alg, p.wrapped)
	}
	decrypter, ok := provider.(providers.AsymmetricDecrypter)
	if !ok || !key.Attributes.Type.RSA() {
		return nil, wire.Errorf(wire.StatusNotSupported, "provider %q does not decrypt with that key", p.instance)
	}
	return decrypter.AsymmetricDecrypt(ctx, key, oaepAttributes.Alg, p.wrapped, nil)
}

// same refuses a key that only has the name of the right one, such as on a machine to which the file was copied.
func (p *providerLayer) same(ctx context.Context, provider providers.Provider, key providers.Key) error {
	exporter, ok := provider.(providers.PublicExporter)
	if !ok {
		return wire.Errorf(wire.StatusNotSupported, "provider %q does not show public keys", p.instance)
	}
	public, err := exporter.ExportPublicKey(ctx, key)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(public, p.public) != 1 {
		return p.stranger(nil)
	}
	return nil
}

func (p *providerLayer) stranger(err error) error {
	return &wire.Error{
		Status: wire.StatusNotPermitted, Err: err,
		Reason: fmt.Sprintf("the key that protects it is not in provider %q: the file is of another machine, or the TPM or token is another one", p.instance),
		Remedy: "use it on its own machine, or enrol this one as a new device; a recovery file opens the account where the old one is lost",
	}
}
