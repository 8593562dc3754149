package trust

import (
	"errors"
	"fmt"
)

// Failures of reading the keys of a realm (5.1), and of using them.
var (
	ErrKeyNotFound = errors.New("the realm has no key with this index")
	ErrKeyCorrupt  = errors.New("the realm's key is not the one of its rotation")
	ErrBundle      = errors.New("the keys bundle does not fit its rotation")
	ErrBlock       = errors.New("the block is not the one of the manifest")
)

// Canary returns nothing, encrypted by the key: whoever has the key can tell that it is the right one.
func (k KeyDerivation) Canary() ([]byte, error) {
	key, err := k.CanaryKey()
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return key.Encrypt(nil)
}

// opens reports whether the key opens the canary of a rotation.
func (k KeyDerivation) opens(canary []byte) bool {
	key, err := k.CanaryKey()
	if err != nil {
		return false
	}
	defer key.Wipe()
	_, err = key.Decrypt(canary)
	return err == nil
}

// RealmKeys are the keys of a realm, each known to be the one of its rotation or not to be used.
type RealmKeys struct {
	keys  []KeyDerivation
	valid []bool
	// rotations are those that the keys must be of.
	rotations []*RealmKeyRotationCertificate
}

// BundleInput is what the keys of a realm are read from.
type BundleInput struct {
	// Access was sealed for the reader, and holds the key of Bundle.
	Access, Bundle []byte
	// Rotations are all rotation certificates of the realm up to that of the bundle, verified, in order.
	Rotations []*RealmKeyRotationCertificate
	// Lookup returns the key of the author that a bundle claims, as of the time that it claims.
	Lookup func(Claim) (VerifyKey, error)
}

// OpenRealmKeys opens a bundle with the key of a user.
func OpenRealmKeys(in BundleInput, key PrivateKey) (*RealmKeys, error) {
	plain, err := key.Open(in.Access)
	if err != nil {
		return nil, fmt.Errorf("keys bundle access: %w", err)
	}
	defer wipe(plain)
	return in.open(plain)
}

// OpenRealmKeysForService opens a bundle with the key of a sequester service.
func OpenRealmKeysForService(in BundleInput, key SequesterPrivateKey) (*RealmKeys, error) {
	plain, err := key.Decrypt(in.Access)
	if err != nil {
		return nil, fmt.Errorf("keys bundle access: %w", err)
	}
	defer wipe(plain)
	return in.open(plain)
}

func (in *BundleInput) open(access []byte) (*RealmKeys, error) {
	a := RealmKeysBundleAccess{}
	if err := load(access, &a); err != nil {
		return nil, err
	}
	defer a.KeysBundleKey.Wipe()
	signed, err := a.KeysBundleKey.Decrypt(in.Bundle)
	if err != nil {
		return nil, fmt.Errorf("keys bundle: %w", err)
	}
	defer wipe(signed)
	b, err := in.verify(signed)
	if err != nil {
		return nil, err
	}
	keys := &RealmKeys{keys: b.Keys, valid: make([]bool, len(b.Keys)), rotations: in.Rotations}
	for i, rotation := range in.Rotations {
		keys.valid[i] = b.Keys[i].opens(rotation.KeyCanary)
	}
	return keys, nil
}

// verify reads the bundle and compares it with its rotation. The timestamps differ and are not compared.
func (in *BundleInput) verify(signed []byte) (*RealmKeysBundle, error) {
	if !numbered(in.Rotations) {
		return nil, ErrBundle
	}
	claim, err := Look(signed)
	if err != nil {
		return nil, fmt.Errorf("keys bundle: %w", err)
	}
	key, err := in.Lookup(claim)
	if err != nil {
		return nil, fmt.Errorf("author of the keys bundle: %w", err)
	}
	b := &RealmKeysBundle{}
	if err := loadSigned(signed, Author{Device: claim.Author, Key: key}, b); err != nil {
		return nil, err
	}
	last := in.Rotations[len(in.Rotations)-1]
	if b.RealmID != last.RealmID || b.Author != last.Author || len(b.Keys) != len(in.Rotations) {
		b.wipe()
		return nil, ErrBundle
	}
	return b, nil
}

// numbered reports whether the rotations are those of one realm, from the first on, none left out.
func numbered(rotations []*RealmKeyRotationCertificate) bool {
	for i, r := range rotations {
		if r.KeyIndex != uint64(i)+1 || r.RealmID != rotations[0].RealmID {
			return false
		}
	}
	return len(rotations) > 0
}

func (b *RealmKeysBundle) check() error {
	if len(b.Keys) == 0 {
		return errors.New("it has no key")
	}
	return nil
}

func (b *RealmKeysBundle) wipe() {
	for _, k := range b.Keys {
		k.Wipe()
	}
}

// Key returns the key with an index for decryption.
func (k *RealmKeys) Key(index uint64) (KeyDerivation, error) {
	switch {
	case index == 0 || index > uint64(len(k.keys)):
		return KeyDerivation{}, fmt.Errorf("%w: %d", ErrKeyNotFound, index)
	case !k.valid[index-1]:
		return KeyDerivation{}, fmt.Errorf("%w: %d", ErrKeyCorrupt, index)
	}
	return k.keys[index-1], nil
}

// Current returns the key for encryption, and its index: the last one that is valid.
func (k *RealmKeys) Current() (KeyDerivation, uint64, error) {
	for i := len(k.keys); i > 0; i-- {
		if k.valid[i-1] {
			return k.keys[i-1], uint64(i), nil
		}
	}
	return KeyDerivation{}, 0, ErrKeyNotFound
}

// Wipe clears all keys.
func (k *RealmKeys) Wipe() {
	for _, key := range k.keys {
		key.Wipe()
	}
}

// SealKeysBundle signs a bundle, and encrypts it under a fresh key that it returns for the accesses.
func SealKeysBundle(b *RealmKeysBundle, signer SigningKey) ([]byte, SecretKey, error) {
	signed, err := dumpSigned(b, signer)
	if err != nil {
		return nil, SecretKey{}, err
	}
	defer wipe(signed)
	key := GenerateSecretKey()
	sealed, err := key.Encrypt(signed)
	return sealed, key, err
}

// SealFor seals the access to a bundle for a user.
func (a *RealmKeysBundleAccess) SealFor(user PublicKey) ([]byte, error) {
	plain, err := dump(a)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return user.Seal(plain)
}

// SealForService seals the access to a bundle for a sequester service.
func (a *RealmKeysBundleAccess) SealForService(service SequesterEncryptionKey) ([]byte, error) {
	plain, err := dump(a)
	if err != nil {
		return nil, err
	}
	defer wipe(plain)
	return service.Encrypt(plain)
}

// SealRealmName encrypts the name of a realm.
func (k KeyDerivation) SealRealmName(name EntryName) ([]byte, error) {
	key, err := k.RealmNameKey()
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	return key.Encrypt([]byte(name.s))
}

// OpenRealmName decrypts the name of a realm.
func (k KeyDerivation) OpenRealmName(sealed []byte) (EntryName, error) {
	key, err := k.RealmNameKey()
	if err != nil {
		return EntryName{}, err
	}
	defer key.Wipe()
	plain, err := key.Decrypt(sealed)
	if err != nil {
		return EntryName{}, err
	}
	return NewEntryName(string(plain))
}
