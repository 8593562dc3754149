package material

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"slices"

	"golang.org/x/crypto/chacha20"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/software/internal/material/mode"
)

// CipherEncrypt encrypts without authentication and returns IV ‖ ciphertext with a fresh
// random IV: one block for the block modes, none for ECB, 12 bytes for the stream cipher.
// ECB and CBC without padding take whole blocks, XTS at least one block, the others any length.
func (k *Key) CipherEncrypt(alg psa.Algorithm, plaintext []byte) ([]byte, error) {
	m, err := k.symmetric(alg, psa.Kind.Cipher)
	if err != nil {
		return nil, err
	}
	var buf [aes.BlockSize]byte
	iv := buf[:m.ivSize(alg.Kind)]
	if _, err := rand.Read(iv); err != nil {
		return nil, wire.Errorf(wire.StatusInsufficientEntropy, "read randomness: %w", err)
	}
	text, err := m.encrypt(alg.Kind, iv, plaintext)
	if err != nil {
		return nil, err
	}
	return slices.Concat(iv, text), nil
}

// CipherDecrypt decrypts IV ‖ ciphertext. A wrong key goes unnoticed, except that CBC with
// PKCS#7 padding answers StatusInvalidPadding.
func (k *Key) CipherDecrypt(alg psa.Algorithm, ciphertext []byte) ([]byte, error) {
	m, err := k.symmetric(alg, psa.Kind.Cipher)
	if err != nil {
		return nil, err
	}
	n := m.ivSize(alg.Kind)
	if len(ciphertext) < n {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the ciphertext has %d bytes, its initialisation vector alone %d", len(ciphertext), n)
	}
	return m.decryptText(alg.Kind, ciphertext[:n], ciphertext[n:])
}

func (k *symmetric) ivSize(kind psa.Kind) int {
	switch {
	case kind == psa.AlgECBNoPadding:
		return 0
	case k.block == nil:
		return chacha20.NonceSize
	default:
		return k.block.BlockSize()
	}
}

func (k *symmetric) encrypt(kind psa.Kind, iv, in []byte) ([]byte, error) {
	switch kind {
	case psa.AlgCBCPKCS7:
		in = pad(in, k.block.BlockSize())
		defer clear(in)
	case psa.AlgCBCNoPadding, psa.AlgECBNoPadding:
		if err := k.whole(in); err != nil {
			return nil, err
		}
	case psa.AlgXTS:
		return k.xts(mode.XTS, iv, in)
	default:
		return k.stream(kind, iv, in, cipher.NewCFBEncrypter) //nolint:staticcheck // the contract has unauthenticated modes
	}
	out := make([]byte, len(in))
	if kind == psa.AlgECBNoPadding {
		ecb(k.block.Encrypt, out, in, k.block.BlockSize())
	} else {
		cipher.NewCBCEncrypter(k.block, iv).CryptBlocks(out, in)
	}
	return out, nil
}

func (k *symmetric) decryptText(kind psa.Kind, iv, in []byte) ([]byte, error) {
	switch kind {
	case psa.AlgCBCPKCS7, psa.AlgCBCNoPadding, psa.AlgECBNoPadding:
		if err := k.whole(in); err != nil {
			return nil, err
		}
		if len(in) == 0 && kind == psa.AlgCBCPKCS7 {
			return nil, wire.Errorf(wire.StatusInvalidArgument, "the ciphertext has no block, padding alone is one")
		}
	case psa.AlgXTS:
		return k.xts(mode.OpenXTS, iv, in)
	default:
		return k.stream(kind, iv, in, cipher.NewCFBDecrypter) //nolint:staticcheck // the contract has unauthenticated modes
	}
	out := make([]byte, len(in))
	if kind == psa.AlgECBNoPadding {
		ecb(k.block.Decrypt, out, in, k.block.BlockSize())
		return out, nil
	}
	cipher.NewCBCDecrypter(k.block, iv).CryptBlocks(out, in)
	if kind == psa.AlgCBCPKCS7 {
		return unpad(out, k.block.BlockSize())
	}
	return out, nil
}

// whole refuses input that is not in whole blocks.
func (k *symmetric) whole(in []byte) error {
	if size := k.block.BlockSize(); len(in)%size != 0 {
		return wire.Errorf(wire.StatusInvalidArgument, "the input has %d bytes, which are not whole blocks of %d", len(in), size)
	}
	return nil
}

// stream runs a mode that takes any length; only CFB differs by direction.
func (k *symmetric) stream(kind psa.Kind, iv, in []byte, cfb func(cipher.Block, []byte) cipher.Stream) ([]byte, error) {
	var s cipher.Stream
	var err error
	switch kind {
	case psa.AlgStreamCipher:
		s, err = chacha20.NewUnauthenticatedCipher(k.secret, iv)
	case psa.AlgCTR:
		s = cipher.NewCTR(k.block, iv)
	case psa.AlgCFB:
		s = cfb(k.block, iv)
	case psa.AlgOFB:
		s = cipher.NewOFB(k.block, iv) //nolint:staticcheck // the contract has unauthenticated modes
	default:
		err = wire.Errorf(wire.StatusNotSupported, "the cipher %s is not supported", kind)
	}
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	s.XORKeyStream(out, in)
	return out, nil
}

// xts splits the key: the first half encrypts data, the second tweaks.
func (k *symmetric) xts(run func(data, tweaks cipher.Block, tweak, in []byte) ([]byte, error), iv, in []byte) ([]byte, error) {
	half := len(k.secret) / 2
	if subtle.ConstantTimeCompare(k.secret[:half], k.secret[half:]) == 1 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the halves of an xts key must differ")
	}
	data, err := newBlock(k.typ, k.secret[:half])
	if err != nil {
		return nil, fmt.Errorf("set up xts: %w", err)
	}
	tweaks, err := newBlock(k.typ, k.secret[half:])
	if err != nil {
		return nil, fmt.Errorf("set up xts: %w", err)
	}
	out, err := run(data, tweaks, iv, in)
	if err != nil {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "xts needs at least one block: %v", err)
	}
	return out, nil
}

func ecb(block func(dst, src []byte), dst, src []byte, size int) {
	for ; len(src) > 0; dst, src = dst[size:], src[size:] {
		block(dst, src)
	}
}

// pad appends the padding of PKCS#7 to a copy.
func pad(in []byte, size int) []byte {
	n := size - len(in)%size
	out := make([]byte, len(in)+n)
	for i := copy(out, in); i < len(out); i++ {
		out[i] = byte(n) //nolint:gosec // at most 16
	}
	return out
}

// unpad removes the padding of PKCS#7. It looks at the whole last block whatever it holds,
// but the answer itself tells whether the padding was valid.
func unpad(b []byte, size int) ([]byte, error) {
	bad := wire.Errorf(wire.StatusInvalidPadding, "the padding is invalid")
	last := b[len(b)-size:]
	n := int(last[size-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, size)
	for i, v := range last {
		inside := subtle.ConstantTimeLessOrEq(size, i+n)
		good &= 1 ^ inside ^ inside&subtle.ConstantTimeByteEq(v, last[size-1])
	}
	if good != 1 {
		clear(b)
		return nil, bad
	}
	return b[:len(b)-n], nil
}
