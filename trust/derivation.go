package trust

import (
	"github.com/seed-73b3884f/parsec-agent/trust/internal/blake"
)

// KeyDerivation makes one key for each purpose or object out of one secret (1.3). It never encrypts itself.
type KeyDerivation struct{ secret }

// derivationID says what a derived key is for: a constant, or the id of the object that is encrypted.
type derivationID [16]byte

// Constant derivation ids.
var (
	canaryDerivation    = derivationID{15: 1}
	realmNameDerivation = derivationID{15: 2}
	urlPathDerivation   = derivationID{15: 3}
)

// GenerateKeyDerivation returns a random key.
func GenerateKeyDerivation() KeyDerivation { return KeyDerivation{randomSecret(KeySize)} }

// NewKeyDerivation returns the key with the given 32 bytes, which it copies.
func NewKeyDerivation(b []byte) (KeyDerivation, error) {
	s, err := sizedSecret(b, KeySize)
	return KeyDerivation{s}, err
}

// Equal compares in constant time.
func (k KeyDerivation) Equal(o KeyDerivation) bool { return k.equal(o.secret) }

// derive fills out with bytes for the id.
func (k KeyDerivation) derive(id derivationID, out []byte) error {
	key, err := k.open()
	if err != nil {
		return err
	}
	c := blake.Config{Key: key}
	copy(c.Salt[:], id[:8])
	copy(c.Personal[:], id[8:])
	return c.Sum(out)
}

// deriveKey returns the key for the id.
func (k KeyDerivation) deriveKey(id derivationID) (SecretKey, error) {
	own := make([]byte, KeySize)
	if err := k.derive(id, own); err != nil {
		return SecretKey{}, err
	}
	return SecretKey{take(own)}, nil
}

// VlobKey returns the key of an object of a realm.
func (k KeyDerivation) VlobKey(id VlobID) (SecretKey, error) { return k.deriveKey(derivationID(id)) }

// BlockKey returns the key of a block of a realm.
func (k KeyDerivation) BlockKey(id BlockID) (SecretKey, error) { return k.deriveKey(derivationID(id)) }

// DocumentKey returns the key under which the session key of a collaborative document travels.
func (k KeyDerivation) DocumentKey(id VlobID) (SecretKey, error) {
	return k.deriveKey(derivationID(id))
}

// CanaryKey returns the key of a realm key's canary.
func (k KeyDerivation) CanaryKey() (SecretKey, error) { return k.deriveKey(canaryDerivation) }

// RealmNameKey returns the key of a realm's name.
func (k KeyDerivation) RealmNameKey() (SecretKey, error) { return k.deriveKey(realmNameDerivation) }

// URLPathKey returns the key of a path inside of an address.
func (k KeyDerivation) URLPathKey() (SecretKey, error) { return k.deriveKey(urlPathDerivation) }

// Derivation ids of an account's master secret.
var (
	authMethodDerivation  = derivationID{}
	accountMACDerivation  = derivationID{0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11}
	vaultAccessDerivation = derivationID{0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22}
)

// AuthMethodID returns the name of the account authentication method whose master secret this is.
func (k KeyDerivation) AuthMethodID() (AccountAuthMethodID, error) {
	id := AccountAuthMethodID{}
	err := k.derive(authMethodDerivation, id[:])
	return id, err
}

// AccountMACKey returns the key that authenticates requests of an account.
func (k KeyDerivation) AccountMACKey() (SecretKey, error) { return k.deriveKey(accountMACDerivation) }

// VaultAccessKey returns the key of an account's vault key access.
func (k KeyDerivation) VaultAccessKey() (SecretKey, error) { return k.deriveKey(vaultAccessDerivation) }
