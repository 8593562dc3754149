package material

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // for keys that applications still have
	"runtime"
	"slices"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/camellia"
)

// symmetric is a key that is nothing but its bytes.
type symmetric struct {
	typ    psa.KeyType
	secret []byte
	block  cipher.Block // nil for types that are not block ciphers
}

// newSymmetric takes a copy of data, whose length was checked.
func newSymmetric(t psa.KeyType, data []byte) (keyMaterial, error) {
	k := &symmetric{typ: t, secret: slices.Clone(data)}
	if blockSizeOf(t) == 0 {
		return k, nil
	}
	var err error
	if k.block, err = newBlock(t, k.secret); err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the data is not a key: %v", err)
	}
	return k, nil
}

func newBlock(t psa.KeyType, key []byte) (cipher.Block, error) {
	switch {
	case t == psa.KeyAES:
		return aes.NewCipher(key)
	case t == psa.KeyCamellia:
		return camellia.New(key)
	case len(key) == 8:
		return des.NewCipher(key) //nolint:gosec // for keys that applications still have
	}
	triple := append(slices.Clone(key), key[:8]...)[:24] // two-key variant: the first key twice
	defer clear(triple)
	return des.NewTripleDESCipher(triple) //nolint:gosec // for keys that applications still have
}

func (k *symmetric) export() ([]byte, error) { return slices.Clone(k.secret), nil }

func (k *symmetric) wipe() {
	clear(k.secret)
	if c, ok := k.block.(*camellia.Cipher); ok {
		c.Wipe()
	}
	runtime.KeepAlive(k)
}

// symmetric returns the key as a symmetric one for an algorithm that fits and is supported.
func (k *Key) symmetric(alg psa.Algorithm, class func(psa.Kind) bool) (*symmetric, error) {
	if err := k.supports(alg, class); err != nil {
		return nil, err
	}
	if m, ok := k.m.(*symmetric); ok {
		return m, nil
	}
	return nil, k.cannot("be used with " + alg.String())
}
