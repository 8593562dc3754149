package rootkey

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Layout of root.recovery, docs/formats/root-key.md. What stands before the nonce is
// authenticated.
const (
	// CopySize is the size of root.recovery in bytes.
	CopySize = offSealed + Size + chacha20poly1305.Overhead

	copyMagic   = "PARSECW\x00"
	copyVersion = 1
	offOpener   = 32 // id of the recovery key
	offNonce    = 48
	offSealed   = offNonce + chacha20poly1305.NonceSizeX
)

// ErrWrongRecoveryKey says that a recovery key is whole and belongs to another copy.
var ErrWrongRecoveryKey = errors.New("it is not the recovery key of this store")

func (k *RecoveryKey) aead() (cipher.AEAD, error) {
	derived, err := k.derive("parsec-agent root key recovery v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer wipe(derived)
	return chacha20poly1305.NewX(derived)
}

// MarshalCopy encrypts the root key to a recovery key, as the content of root.recovery.
func (k *Key) MarshalCopy(recovery *RecoveryKey) ([]byte, error) {
	opener, err := recovery.id()
	if err != nil {
		return nil, err
	}
	seal, err := recovery.aead()
	if err != nil {
		return nil, err
	}
	b := make([]byte, offSealed, CopySize)
	copy(b, copyMagic)
	binary.LittleEndian.PutUint32(b[offVersion:], copyVersion)
	copy(b[offID:], k.id[:])
	copy(b[offOpener:], opener[:])
	_, _ = rand.Read(b[offNonce:]) // never fails
	err = k.Use(func(secret []byte) error {
		b = seal.Seal(b, b[offNonce:], secret, b[:offNonce])
		return nil
	})
	return b, err
}

// ParseCopy opens the content of root.recovery.
func ParseCopy(b []byte, recovery *RecoveryKey) (*Key, error) {
	switch {
	case len(b) != CopySize:
		return nil, format("the recovery copy has %d bytes, not %d", len(b), CopySize)
	case string(b[:offVersion]) != copyMagic:
		return nil, format("the recovery copy does not begin with its magic")
	case binary.LittleEndian.Uint32(b[offVersion:]) != copyVersion:
		return nil, format("version %d of the recovery copy is unknown", binary.LittleEndian.Uint32(b[offVersion:]))
	case binary.LittleEndian.Uint32(b[offReserved:]) != 0:
		return nil, format("the reserved field of the recovery copy is not zero")
	}
	opener, err := recovery.id()
	if err != nil {
		return nil, err
	}
	if want := ID(b[offOpener:offNonce]); opener != want {
		return nil, fmt.Errorf("%w: it has the id %s, the store wants that of %s", ErrWrongRecoveryKey, opener, want)
	}
	open, err := recovery.aead()
	if err != nil {
		return nil, err
	}
	secret, err := open.Open(nil, b[offNonce:offSealed], b[offSealed:], b[:offNonce])
	if err != nil {
		return nil, format("the recovery copy is damaged")
	}
	defer wipe(secret)
	k, err := New(secret)
	if err != nil {
		return nil, err
	}
	if k.id != ID(b[offID:offOpener]) {
		k.Wipe()
		return nil, format("the recovery copy is damaged: the root key id does not follow from the key")
	}
	return k, nil
}
