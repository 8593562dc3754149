package trust

// Healing (5.1): a bundle, or the access to it, that cannot be read takes no key away that an older bundle has. The client reference
// leaves it undone (parsec-cloud-client.md 1.12). Every key is believed for its canary alone, whichever bundle it comes from.

// LostRealmKeys returns the keys of a realm whose last bundle cannot be read: none, until Heal finds some in older bundles.
func LostRealmKeys(rotations []*RealmKeyRotationCertificate) (*RealmKeys, error) {
	if !numbered(rotations) {
		return nil, ErrBundle
	}
	return &RealmKeys{keys: make([]KeyDerivation, len(rotations)), valid: make([]bool, len(rotations)), rotations: rotations}, nil
}

// Broken returns the indexes of the keys that cannot be used, the lowest first.
func (k *RealmKeys) Broken() []uint64 {
	broken := []uint64{}
	for i, valid := range k.valid {
		if !valid {
			broken = append(broken, uint64(i)+1)
		}
	}
	return broken
}

// OlderBundle returns the index of the next bundle to look into after one that was tried, whether it could be read or not. There is
// none when no older bundle can have a key that is broken: the bundle with an index has the keys up to this index.
func (k *RealmKeys) OlderBundle(tried uint64) (index uint64, ok bool) {
	broken := k.Broken()
	if len(broken) == 0 || tried <= broken[0] {
		return 0, false
	}
	return min(tried-1, uint64(len(k.keys))), true
}

// Heal copies the keys that are broken here and good in an older bundle. It returns how many.
func (k *RealmKeys) Heal(older *RealmKeys) int {
	healed := 0
	for i := range min(len(k.keys), len(older.keys)) {
		if k.valid[i] || !older.valid[i] || !older.keys[i].opens(k.rotations[i].KeyCanary) {
			continue
		}
		b, err := older.keys[i].open()
		if err != nil {
			continue
		}
		k.keys[i].Wipe()
		k.keys[i], k.valid[i] = KeyDerivation{newSecret(b)}, true
		healed++
	}
	return healed
}

// NextBundle returns what an owner uploads with the next rotation, whose key is fresh: all keys in their places. Those that are broken
// stay what they are, and random ones stand for those that are lost, so that no index changes its meaning.
func (k *RealmKeys) NextBundle(author DeviceID, at DateTime, fresh KeyDerivation) *RealmKeysBundle {
	b := &RealmKeysBundle{Author: author, Timestamp: at, RealmID: k.rotations[0].RealmID}
	for _, key := range k.keys {
		if _, err := key.open(); err != nil {
			key = GenerateKeyDerivation()
		}
		b.Keys = append(b.Keys, key)
	}
	b.Keys = append(b.Keys, fresh)
	return b
}
