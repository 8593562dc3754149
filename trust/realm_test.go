package trust

import (
	"bytes"
	"errors"
	"testing"
)

// keyed is a realm of alice with three keys.
func keyed(t *testing.T) (o *organisation, s *Store, in BundleInput, keys []KeyDerivation) {
	t.Helper()
	o, _ = founded(t)
	keys = []KeyDerivation{GenerateKeyDerivation(), GenerateKeyDerivation(), GenerateKeyDerivation()}
	o.current.Realms = map[RealmID][][]byte{}
	realm := NewRealmID()
	o.inRealm("alice", o.role("alice", realm, "alice", Owner))
	for i, k := range keys {
		c := o.rotation("alice", realm, uint64(i)+1)
		c.KeyCanary = must(k.Canary())
		o.inRealm("alice", c)
	}
	s = o.store("alice")
	o.accepted(s)
	bundle := &RealmKeysBundle{Author: *o.deviceOf("alice"), Timestamp: o.tick(), RealmID: realm, Keys: keys}
	return o, s, o.bundled(s, bundle), keys
}

// bundled seals a bundle for alice.
func (o *organisation) bundled(s *Store, b *RealmKeysBundle) BundleInput {
	o.t.Helper()
	sealed, key, err := SealKeysBundle(b, o.people["alice"].signing)
	if err != nil {
		o.t.Fatal(err)
	}
	access := must((&RealmKeysBundleAccess{KeysBundleKey: key}).SealFor(must(o.people["alice"].private.Public())))
	return BundleInput{Access: access, Bundle: sealed, Rotations: s.Rotations(s.Realms()[0]), Lookup: s.BundleAuthor}
}

func TestRealmKeys(t *testing.T) {
	o, _, in, keys := keyed(t)
	opened, err := OpenRealmKeys(in, o.people["alice"].private)
	if err != nil {
		t.Fatal(err)
	}
	for i := range keys {
		if k, err := opened.Key(uint64(i) + 1); err != nil || !k.Equal(keys[i]) {
			t.Errorf("key %d: %v", i+1, err)
		}
	}
	for _, index := range []uint64{0, 4, 1 << 63} {
		if _, err := opened.Key(index); !errors.Is(err, ErrKeyNotFound) {
			t.Errorf("key %d: %v", index, err)
		}
	}
	if k, index, err := opened.Current(); err != nil || index != 3 || !k.Equal(keys[2]) {
		t.Errorf("current key %d, %v", index, err)
	}
	if _, err := OpenRealmKeys(in, o.people["bob"].private); !errors.Is(err, ErrDecryption) {
		t.Errorf("another user opens the access: %v", err)
	}
}

// TestRealmKeysRefusals: a bundle that is not the one of the rotations, and one key that is not its rotation's.
func TestRealmKeysRefusals(t *testing.T) {
	o, s, in, keys := keyed(t)
	own := o.people["alice"].private
	bundle := func(change func(*RealmKeysBundle)) BundleInput {
		b := &RealmKeysBundle{Author: *o.deviceOf("alice"), Timestamp: o.clock, RealmID: s.Realms()[0], Keys: keys}
		change(b)
		return o.bundled(s, b)
	}
	short := in
	short.Rotations = in.Rotations[:2]
	swapped := in
	swapped.Bundle = bytes.Clone(in.Bundle)
	swapped.Bundle[len(swapped.Bundle)-1] ^= 1
	for name, c := range map[string]struct {
		in   BundleInput
		want error
	}{
		"no rotation":      {BundleInput{Access: in.Access, Bundle: in.Bundle, Lookup: in.Lookup}, ErrBundle},
		"rotation missing": {short, ErrBundle},
		"bytes swapped":    {swapped, ErrDecryption},
		"other realm":      {bundle(func(b *RealmKeysBundle) { b.RealmID = NewRealmID() }), ErrBundle},
		"key missing":      {bundle(func(b *RealmKeysBundle) { b.Keys = keys[:2] }), ErrBundle},
		"other signer":     {bundle(func(b *RealmKeysBundle) { b.Author = *o.deviceOf("bob") }), ErrSignature},
		"too old":          {bundle(func(b *RealmKeysBundle) { b.Timestamp = DateTime{1} }), refuse(AuthorNewer)},
	} {
		_, err := OpenRealmKeys(c.in, own)
		refusal, want := (*RefusalError)(nil), (*RefusalError)(nil)
		if errors.As(c.want, &want) {
			if !errors.As(err, &refusal) || refusal.Reason != want.Reason {
				t.Errorf("%s: %v", name, err)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, _, err := SealKeysBundle(&RealmKeysBundle{}, o.people["alice"].signing); !errors.Is(err, ErrIntegrity) {
		t.Errorf("an empty bundle: %v", err)
	}
	corrupt, err := OpenRealmKeys(bundle(func(b *RealmKeysBundle) {
		b.Keys = []KeyDerivation{keys[0], keys[1], GenerateKeyDerivation()}
	}), own)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := corrupt.Key(3); !errors.Is(err, ErrKeyCorrupt) {
		t.Errorf("a key that does not open its canary: %v", err)
	}
	if _, index, err := corrupt.Current(); index != 2 || err != nil {
		t.Errorf("the last good key is %d, %v", index, err)
	}
}

func TestBlocks(t *testing.T) {
	key, plain := GenerateKeyDerivation(), []byte("content of a block")
	access, sealed, err := key.SealBlock(NewBlockID(), 512, plain)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.OpenBlock(access, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%q, %v", got, err)
	}
	otherID, otherSize, otherDigest := access, access, access
	otherID.ID, otherSize.Size, otherDigest.Digest[0] = NewBlockID(), access.Size-1, access.Digest[0]^1
	for name, c := range map[string]struct {
		access BlockAccess
		want   error
	}{"id": {otherID, ErrDecryption}, "size": {otherSize, ErrBlock}, "digest": {otherDigest, ErrBlock}} {
		if _, err := key.OpenBlock(c.access, sealed); !errors.Is(err, c.want) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, _, err := key.SealBlock(NewBlockID(), 0, nil); !errors.Is(err, ErrBlock) {
		t.Errorf("an empty block: %v", err)
	}
}

func TestRealmName(t *testing.T) {
	key, name := GenerateKeyDerivation(), must(NewEntryName("Börse"))
	sealed := must(key.SealRealmName(name))
	if got, err := key.OpenRealmName(sealed); err != nil || got != name {
		t.Errorf("%v, %v", got, err)
	}
	raw := must(must(key.RealmNameKey()).Encrypt([]byte("a/b")))
	if _, err := key.OpenRealmName(raw); !errors.Is(err, ErrText) {
		t.Errorf("a name with a slash: %v", err)
	}
}
