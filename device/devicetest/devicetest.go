// Package devicetest makes devices, and keeps provider keys of them, for tests.
package devicetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// New returns a device of an organisation, with new keys.
func New(t testing.TB, organization, label string) *trust.LocalDevice {
	t.Helper()
	server, err := trust.ParseServerURL("https://parsec.example.com/")
	must(t, err)
	org, err := trust.NewOrganizationID(organization)
	must(t, err)
	name, err := trust.NewDeviceLabel(label)
	must(t, err)
	handle, err := trust.NewHumanHandle("alice@"+strings.ToLower(organization)+".example.com", "Alice")
	must(t, err)
	root, err := trust.GenerateSigningKey().VerifyKey()
	must(t, err)
	return &trust.LocalDevice{
		Server: server, OrganizationID: org, RootVerifyKey: root, UserID: trust.NewUserID(), DeviceID: trust.NewDeviceID(),
		DeviceLabel: name, HumanHandle: handle, SigningKey: trust.GenerateSigningKey(), PrivateKey: trust.GeneratePrivateKey(),
		InitialProfile: trust.Standard, UserRealmID: trust.NewRealmID(), UserRealmKey: trust.GenerateSecretKey(),
		LocalSymkey: trust.GenerateSecretKey(),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Same fails the test unless both are the same device.
func Same(t testing.TB, got, want *trust.LocalDevice) {
	t.Helper()
	if got.DeviceID != want.DeviceID || !got.SigningKey.Equal(want.SigningKey) || !got.PrivateKey.Equal(want.PrivateKey) ||
		!got.UserRealmKey.Equal(want.UserRealmKey) || !got.LocalSymkey.Equal(want.LocalSymkey) || got.RootVerifyKey != want.RootVerifyKey {
		t.Errorf("device %s came back as device %s, or with other keys", want.DeviceID, got.DeviceID)
	}
}

// Keys is device.Keys in memory, over providers by their names.
type Keys struct {
	mu        sync.Mutex // guards the fields below
	providers map[string]providers.Provider
	unusable  map[string]error
	keys      map[string]providers.Key
}

// NewKeys returns a store of keys that are in the providers.
func NewKeys(all map[string]providers.Provider) *Keys {
	return &Keys{providers: all, unusable: map[string]error{}, keys: map[string]providers.Key{}}
}

// Set puts a provider in the place of another one, or takes it away if it is nil; names and ids of its keys stay.
func (k *Keys) Set(instance string, p providers.Provider) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.providers[instance] = p
	delete(k.unusable, instance)
}

// SetUnusable has a provider fail for a reason until it is set again.
func (k *Keys) SetUnusable(instance string, why error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.unusable[instance] = why
}

// Put gives a name to a key that exists.
func (k *Keys) Put(instance, name string, key providers.Key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[instance+"\x00"+name] = key
}

// Names lists the names of all keys.
func (k *Keys) Names() (all []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.keys {
		_, name, _ = strings.Cut(name, "\x00")
		all = append(all, name)
	}
	return all
}

func (k *Keys) provider(instance string) (providers.Provider, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.unusable[instance]; err != nil {
		return nil, err
	}
	if p := k.providers[instance]; p != nil {
		return p, nil
	}
	return nil, &wire.Error{Status: wire.StatusProviderNotRegistered, Reason: fmt.Sprintf("no provider is named %q", instance)}
}

// Make makes a key.
func (k *Keys) Make(ctx context.Context, instance, name string, choose func(providers.Provider) (psa.Attributes, error)) error {
	p, err := k.provider(instance)
	if err != nil {
		return err
	}
	attrs, err := choose(p)
	if err != nil {
		return err
	}
	if err := k.Destroy(ctx, instance, name); err != nil {
		return err
	}
	id, err := p.(providers.Generator).GenerateKey(ctx, attrs) //nolint:forcetypeassert,errcheck // all do
	if err != nil {
		return err
	}
	k.Put(instance, name, providers.Key{ID: id, Attributes: attrs})
	return nil
}

// Use calls f with a key.
func (k *Keys) Use(_ context.Context, instance, name string, f func(providers.Provider, providers.Key) error) error {
	p, err := k.provider(instance)
	if err != nil {
		return err
	}
	k.mu.Lock()
	key, ok := k.keys[instance+"\x00"+name]
	k.mu.Unlock()
	if !ok {
		return wire.StatusDoesNotExist
	}
	return f(p, key)
}

// Destroy removes a key.
func (k *Keys) Destroy(ctx context.Context, instance, name string) error {
	k.mu.Lock()
	key, ok := k.keys[instance+"\x00"+name]
	p := k.providers[instance]
	delete(k.keys, instance+"\x00"+name)
	k.mu.Unlock()
	if !ok || p == nil {
		return nil
	}
	return p.(providers.Destroyer).DestroyKey(ctx, key) //nolint:forcetypeassert,errcheck // all do
}
