package trust_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// keyed is an organisation whose realm has three keys, what alice's store says about it, and the last bundle as she gets it.
func keyed(t *testing.T) (*founded, *trust.Store, trust.BundleInput) {
	t.Helper()
	f := found(trusttest.Options{})
	f.Rotate(f.alice.Devices[0], f.realm)
	f.Rotate(f.alice.Devices[0], f.realm)
	s := f.Store(f.alice)
	f.add(t, s, f.alice)
	return f, s, f.bundle(s, f.realm, f.alice, 3)
}

// bundle returns what a member gets of the bundle with an index.
func (f *founded) bundle(s *trust.Store, r *trusttest.Realm, self *trusttest.User, index int) trust.BundleInput {
	in := trust.BundleInput{Rotations: s.Rotations(r.ID)[:index], Lookup: s.BundleAuthor}
	for _, e := range f.Events() {
		if e.Command == trusttest.RealmRotateKey && e.Certificates[0].Realm == r.ID {
			if index--; index == 0 {
				in.Bundle, in.Access = e.KeysBundle, e.UserAccess[self.ID]
			}
		}
	}
	return in
}

// sealed returns the input with another bundle of alice.
func (f *founded) sealed(t *testing.T, in trust.BundleInput, b *trust.RealmKeysBundle) trust.BundleInput {
	t.Helper()
	sealed, key, err := trust.SealKeysBundle(b, f.alice.Devices[0].Signing)
	if err != nil {
		t.Fatal(err)
	}
	in.Bundle, in.Access = sealed, must((&trust.RealmKeysBundleAccess{KeysBundleKey: key}).SealFor(f.alice.Public))
	return in
}

func (f *founded) ownBundle(keys ...trust.KeyDerivation) *trust.RealmKeysBundle {
	return &trust.RealmKeysBundle{Author: f.alice.Devices[0].ID, Timestamp: f.Now(), RealmID: f.realm.ID, Keys: keys}
}

func TestRealmKeys(t *testing.T) {
	f, _, in := keyed(t)
	opened, err := trust.OpenRealmKeys(in, f.alice.Private)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range f.realm.Keys {
		if k, err := opened.Key(uint64(i) + 1); err != nil || !k.Equal(want) {
			t.Errorf("key %d: %v", i+1, err)
		}
	}
	for _, index := range []uint64{0, 4, 1 << 63} {
		if _, err := opened.Key(index); !errors.Is(err, trust.ErrKeyNotFound) {
			t.Errorf("key %d: %v", index, err)
		}
	}
	if k, index, err := opened.Current(); err != nil || index != 3 || !k.Equal(f.realm.Keys[2]) {
		t.Errorf("current key %d, %v", index, err)
	}
	if _, err := trust.OpenRealmKeys(in, f.bob.Private); !errors.Is(err, trust.ErrDecryption) {
		t.Errorf("another user opens the access: %v", err)
	}
}

// TestRealmKeysForService: a sequester service gets the same keys as a user.
func TestRealmKeysForService(t *testing.T) {
	f := found(trusttest.Options{Sequestered: true})
	service := f.AddService()
	last := f.Rotate(f.alice.Devices[0], f.realm)
	s := f.Store(f.alice)
	f.add(t, s, f.alice)
	in := f.bundle(s, f.realm, f.alice, 2)
	in.Access = last.ServiceAccess[service.ID]
	opened, err := trust.OpenRealmKeysForService(in, service.Private)
	if err != nil {
		t.Fatal(err)
	}
	if k, index, err := opened.Current(); err != nil || index != 2 || !k.Equal(f.realm.Keys[1]) {
		t.Errorf("key %d, %v", index, err)
	}
	f.Rotate(f.alice.Devices[0], f.realm)
	f.add(t, s, f.alice)
	other := f.bundle(s, f.realm, f.alice, 3)
	other.Access = in.Access
	if _, err := trust.OpenRealmKeysForService(other, service.Private); !errors.Is(err, trust.ErrDecryption) {
		t.Errorf("the access of another bundle: %v", err)
	}
}

// TestRealmKeysRefusals: a bundle that is not the one of the rotations, and one key that is not its rotation's.
func TestRealmKeysRefusals(t *testing.T) {
	f, _, in := keyed(t)
	keys := f.realm.Keys
	bundle := func(change func(*trust.RealmKeysBundle)) trust.BundleInput {
		b := f.ownBundle(keys...)
		change(b)
		return f.sealed(t, in, b)
	}
	short, gone, swapped := in, in, in
	short.Rotations, gone.Rotations = in.Rotations[:2], nil
	swapped.Bundle = bytes.Clone(in.Bundle)
	swapped.Bundle[len(swapped.Bundle)-1] ^= 1
	for name, c := range map[string]struct {
		in     trust.BundleInput
		want   error
		reason trust.Reason
	}{
		"no rotation":      {in: gone, want: trust.ErrBundle},
		"rotation missing": {in: short, want: trust.ErrBundle},
		"bytes swapped":    {in: swapped, want: trust.ErrDecryption},
		"other realm":      {in: bundle(func(b *trust.RealmKeysBundle) { b.RealmID = trust.NewRealmID() }), want: trust.ErrBundle},
		"key missing":      {in: bundle(func(b *trust.RealmKeysBundle) { b.Keys = keys[:2] }), want: trust.ErrBundle},
		"other signer":     {in: bundle(func(b *trust.RealmKeysBundle) { b.Author = f.bob.Devices[0].ID }), want: trust.ErrSignature},
		"too old":          {in: bundle(func(b *trust.RealmKeysBundle) { b.Timestamp = trust.DateTime{} }), reason: trust.AuthorNewer},
	} {
		_, err := trust.OpenRealmKeys(c.in, f.alice.Private)
		refusal := &trust.RefusalError{}
		if c.reason != 0 && (!errors.As(err, &refusal) || refusal.Reason != c.reason) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := trust.SealKeysBundle(&trust.RealmKeysBundle{}, f.alice.Devices[0].Signing); !errors.Is(err, trust.ErrIntegrity) {
		t.Errorf("an empty bundle: %v", err)
	}
	corrupt, err := trust.OpenRealmKeys(f.sealed(t, in, f.ownBundle(keys[0], keys[1], trust.GenerateKeyDerivation())), f.alice.Private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := corrupt.Key(3); !errors.Is(err, trust.ErrKeyCorrupt) {
		t.Errorf("a key that does not open its canary: %v", err)
	}
	if _, index, err := corrupt.Current(); index != 2 || err != nil {
		t.Errorf("the last good key is %d, %v", index, err)
	}
}

// TestHealing: what the last bundle lacks is taken from older ones, one after the other, and nothing else is.
func TestHealing(t *testing.T) {
	f, s, last := keyed(t)
	keys, bad := f.realm.Keys, trust.GenerateKeyDerivation
	older := func(index int, keys ...trust.KeyDerivation) trust.BundleInput {
		return f.sealed(t, f.bundle(s, f.realm, f.alice, index), f.ownBundle(keys...))
	}
	unreadable := trust.BundleInput{Access: []byte("damaged"), Bundle: last.Bundle, Rotations: last.Rotations, Lookup: last.Lookup}
	for name, c := range map[string]struct {
		bundles map[uint64]trust.BundleInput
		asked   []uint64
		broken  []uint64
	}{
		"nothing to heal":  {bundles: map[uint64]trust.BundleInput{3: last}},
		"first broken":     {map[uint64]trust.BundleInput{3: older(3, bad(), keys[1], keys[2]), 2: older(2, keys[0], bad())}, []uint64{2}, nil},
		"two older":        {map[uint64]trust.BundleInput{3: older(3, bad(), bad(), keys[2]), 2: older(2, bad(), keys[1]), 1: older(1, keys[0])}, []uint64{2, 1}, nil},
		"the last is lost": {map[uint64]trust.BundleInput{3: unreadable, 2: older(2, keys[0], keys[1])}, []uint64{2}, []uint64{3}},
		"no access before": {map[uint64]trust.BundleInput{3: unreadable, 1: older(1, keys[0])}, []uint64{2, 1}, []uint64{2, 3}},
		"last broken":      {map[uint64]trust.BundleInput{3: older(3, keys[0], keys[1], bad())}, nil, []uint64{3}},
		"other good keys":  {map[uint64]trust.BundleInput{3: older(3, bad(), keys[1], keys[2]), 2: older(2, keys[1], keys[0]), 1: older(1, keys[2])}, []uint64{2, 1}, []uint64{1}},
	} {
		got, err := trust.OpenRealmKeys(c.bundles[3], f.alice.Private)
		if err != nil {
			got = must(trust.LostRealmKeys(last.Rotations))
		}
		asked := []uint64{}
		for i, ok := got.OlderBundle(3); ok; i, ok = got.OlderBundle(i) {
			asked = append(asked, i)
			if more, err := trust.OpenRealmKeys(c.bundles[i], f.alice.Private); err == nil {
				got.Heal(more)
				more.Wipe()
			}
		}
		if broken := got.Broken(); !slices.Equal(broken, c.broken) && len(broken)+len(c.broken) > 0 || !slices.Equal(asked, c.asked) && len(asked)+len(c.asked) > 0 {
			t.Errorf("%s: keys %v are broken, want %v; bundles %v were opened, want %v", name, broken, c.broken, asked, c.asked)
		}
		for i, want := range keys {
			k, err := got.Key(uint64(i) + 1)
			if broken := slices.Contains(c.broken, uint64(i)+1); (err != nil) != broken || err == nil && !k.Equal(want) {
				t.Errorf("%s: key %d: %v", name, i+1, err)
			}
		}
	}
	if _, err := trust.LostRealmKeys(last.Rotations[1:]); !errors.Is(err, trust.ErrBundle) {
		t.Errorf("rotations without the first: %v", err)
	}
}

// TestNextBundle: whoever rotates keeps every key at its place, also those that nobody has any more.
func TestNextBundle(t *testing.T) {
	f, s, last := keyed(t)
	by, keys, fresh := f.alice.Devices[0], f.realm.Keys, trust.GenerateKeyDerivation()
	lost := must(trust.LostRealmKeys(last.Rotations))
	lost.Heal(must(trust.OpenRealmKeys(f.bundle(s, f.realm, f.alice, 2), f.alice.Private)))
	rotation := &trust.RealmKeyRotationCertificate{
		Author: by.ID, Timestamp: f.Now(), RealmID: f.realm.ID, KeyIndex: 4, KeyCanary: must(fresh.Canary()),
	}
	in := f.sealed(t, last, lost.NextBundle(by.ID, f.Now(), fresh))
	in.Rotations = append(slices.Clone(last.Rotations), rotation)
	opened, err := trust.OpenRealmKeys(in, f.alice.Private)
	if err != nil {
		t.Fatal(err)
	}
	if broken := opened.Broken(); !slices.Equal(broken, []uint64{3}) {
		t.Errorf("keys %v are broken", broken)
	}
	if k, index, err := opened.Current(); err != nil || index != 4 || !k.Equal(fresh) {
		t.Errorf("current key %d, %v", index, err)
	}
	if k, err := opened.Key(2); err != nil || !k.Equal(keys[1]) {
		t.Errorf("key 2: %v", err)
	}
}

func TestRealmName(t *testing.T) {
	key, name := trust.GenerateKeyDerivation(), must(trust.NewEntryName("Börse"))
	sealed := must(key.SealRealmName(name))
	if got, err := key.OpenRealmName(sealed); err != nil || got != name {
		t.Errorf("%v, %v", got, err)
	}
	raw := must(must(key.RealmNameKey()).Encrypt([]byte("a/b")))
	if _, err := key.OpenRealmName(raw); !errors.Is(err, trust.ErrText) {
		t.Errorf("a name with a slash: %v", err)
	}
}
