package agentd

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// deviceKeys are the provider keys of devices, under the owner that no caller can be.
type deviceKeys struct{ *Service }

// instance calls f with a provider instance of the configuration of now.
func (k deviceKeys) instance(ctx context.Context, name string, f func(*instance) error) error {
	b := k.acquire()
	defer b.drop(ctx, k.log)
	inst := b.named(name)
	if inst == nil {
		return &wire.Error{
			Status: wire.StatusProviderNotRegistered, Reason: fmt.Sprintf("no provider is named %q", name), Remedy: "parsecctl provider list",
		}
	}
	return f(inst)
}

// Make makes a key in the place of what has its name.
func (k deviceKeys) Make(ctx context.Context, name, key string, choose func(providers.Provider) (psa.Attributes, error)) error {
	return k.instance(ctx, name, func(inst *instance) error {
		attrs, err := choose(inst.provider)
		if err != nil {
			return err
		}
		generator, ok := inst.provider.(providers.Generator)
		if !ok {
			return inst.lacks(wire.OpGenerateKey)
		}
		if err := inst.destroyOwn(ctx, psa.KeyName(key)); err != nil {
			return err
		}
		return inst.create(ctx, kim.Internal(), psa.KeyName(key), attrs, func() (providers.KeyID, error) {
			if l, ok := inst.provider.(providers.Labeller); ok {
				return l.GenerateLabelled(ctx, attrs, key)
			}
			return generator.GenerateKey(ctx, attrs)
		})
	})
}

// Use calls f with a key.
func (k deviceKeys) Use(ctx context.Context, name, key string, f func(providers.Provider, providers.Key) error) error {
	return k.instance(ctx, name, func(inst *instance) error {
		e, err := inst.own(psa.KeyName(key))
		if err != nil {
			return err
		}
		return f(inst.provider, providers.Key{ID: e.KeyID, Attributes: e.Attributes})
	})
}

// Destroy removes a key, if it is there.
func (k deviceKeys) Destroy(ctx context.Context, name, key string) error {
	return k.instance(ctx, name, func(inst *instance) error { return inst.destroyOwn(ctx, psa.KeyName(key)) })
}

// own returns an entry of the service itself that this instance holds.
func (i *instance) own(key psa.KeyName) (kim.Entry, error) {
	e, err := i.store.Get(kim.Internal(), key, i.ref)
	if err == nil && e.Provider != i.ref {
		err = wire.StatusDoesNotExist
	}
	return e, err
}

// destroyOwn removes a key of the service itself: the entry first, then the key.
func (i *instance) destroyOwn(ctx context.Context, key psa.KeyName) error {
	e, err := i.own(key)
	if wire.StatusOf(err) == wire.StatusDoesNotExist {
		return nil
	}
	if err != nil {
		return err
	}
	d, ok := i.provider.(providers.Destroyer)
	if !ok {
		return i.lacks(wire.OpDestroyKey)
	}
	if err := i.reachable(ctx); err != nil {
		return err
	}
	if err := i.store.Delete(ctx, e); err != nil {
		return err
	}
	err = d.DestroyKey(ctx, providers.Key{ID: e.KeyID, Attributes: e.Attributes})
	if wire.StatusOf(err) == wire.StatusDoesNotExist {
		return nil
	}
	return err
}

// certificates finds the keys of certificates among those of the caller.
type certificates struct{ *Service }

// opensDevices is the algorithm of the original's files for certificates.
var opensDevices = psa.Algorithm{Kind: psa.AlgRSAOAEP, Hash: psa.HashSHA256}

// Decrypt decrypts by the caller's key of a certificate, with what that key may be used for.
func (c certificates) Decrypt(ctx context.Context, ref trust.X509Reference, ciphertext []byte) ([]byte, error) {
	owner, ok := ctx.Value(ownerKey{}).(kim.Owner)
	if !ok {
		return nil, errors.New("nobody's keys may be looked at")
	}
	b := c.acquire()
	defer b.drop(ctx, c.log)
	var failures []error
	for _, k := range b.keysOf(func(e kim.Entry) bool { return e.Owner == owner && e.Attributes.Type == psa.KeyRSAPair }) {
		reader, shows := k.instance.provider.(providers.CertificateReader)
		decrypter, decrypts := k.instance.provider.(providers.AsymmetricDecrypter)
		if !shows || !decrypts {
			continue
		}
		der, err := reader.Certificate(ctx, k.key())
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if der == nil || trust.X509HashOf(der) != ref.Hash {
			continue
		}
		if err := k.Attributes.Permit(psa.UsageDecrypt, opensDevices); err != nil {
			return nil, about(quoteKey(k.Name), err)
		}
		return device.CertificateKey(ctx, decrypter, k.key(), ciphertext)
	}
	if len(failures) > 0 {
		return nil, failures[0] // a token that is away may be the right one
	}
	return nil, &wire.Error{
		Status: wire.StatusDoesNotExist, Reason: fmt.Sprintf("none of your keys has the certificate %s", ref.Hash),
		Remedy: "insert the card, and give its key a name: parsecctl key adopt",
	}
}

// certificateOf returns the certificate of a key of the caller that can open a device.
func (r *request) certificateOf(ctx context.Context, name psa.KeyName) ([]byte, error) {
	for _, k := range r.backend.keysOf(func(e kim.Entry) bool { return e.Owner == r.owner() && e.Name == name }) {
		reader, ok := k.instance.provider.(providers.CertificateReader)
		if !ok || k.Attributes.Type != psa.KeyRSAPair {
			continue
		}
		if err := k.Attributes.Permit(psa.UsageDecrypt, opensDevices); err != nil {
			return nil, about(quoteKey(name), err)
		}
		der, err := reader.Certificate(ctx, k.key())
		if err != nil {
			return nil, about(quoteKey(name), err)
		}
		if der != nil {
			return der, nil
		}
	}
	return nil, &wire.Error{
		Status: wire.StatusDoesNotExist, Object: quoteKey(name), Reason: "no RSA key of yours has that name and a certificate beside it",
		Remedy: "parsecctl key adopt gives a key of a card a name",
	}
}
