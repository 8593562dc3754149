package trust

import (
	"errors"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/blake"
	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// localPersonal tells the derivations of our own formats from those of the reference (1.3).
const localPersonal = "parsec-agent"

// maxSecrets is how much a key is derived from at most.
const maxSecrets = blake.Size

var errSecrets = errors.New("there is no secret to derive from, or too much")

// DeriveLocal derives a key for one of our own formats: keyed BLAKE2b of a label, which says what for, and of what the key is bound to; the
// key of BLAKE2b is the secrets, one after the other. Unlike the HKDF of the standard library it leaves no copies of them.
func DeriveLocal(label string, bound []byte, secrets ...[]byte) (SecretKey, error) {
	material := make([]byte, 0, maxSecrets)
	defer func() { wipe(material[:cap(material)]) }()
	for _, s := range secrets {
		if len(material)+len(s) > maxSecrets {
			return SecretKey{}, errSecrets
		}
		scrub.Do(func() { material = append(material, s...) })
	}
	if len(material) == 0 {
		return SecretKey{}, errSecrets
	}
	c := blake.Config{Key: material}
	copy(c.Personal[:], localPersonal)
	own := make([]byte, KeySize)
	if err := c.Sum(own, []byte(label), []byte{0}, bound); err != nil {
		return SecretKey{}, err
	}
	return SecretKey{take(own)}, nil
}

// DeriveLocal derives a key from this one, as the function does.
func (k SecretKey) DeriveLocal(label string, bound ...[]byte) (SecretKey, error) {
	key, err := k.open()
	if err != nil {
		return SecretKey{}, err
	}
	return DeriveLocal(label, slices.Concat(bound...), key)
}
