package mode

import (
	"crypto/cipher"
)

// XTS encrypts one data unit under a 16-byte tweak. data is the cipher of the first half
// of the key, tweaks that of the second. The result is as long as the plaintext, which has
// at least 16 bytes; a last block that is not whole steals ciphertext.
func XTS(data, tweaks cipher.Block, tweak, plaintext []byte) ([]byte, error) {
	t, err := newXTS(data, tweaks, tweak, plaintext)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(plaintext))
	whole, rest := t.split(len(plaintext))
	for i := range whole {
		t.block(data.Encrypt, out[i*blockSize:], plaintext[i*blockSize:])
		t.next()
	}
	if rest > 0 { // the last whole block lends its ciphertext
		end := whole * blockSize
		last := out[end-blockSize : end]
		stolen := append(append([]byte(nil), plaintext[end:]...), last[rest:]...)
		copy(out[end:], last[:rest])
		t.block(data.Encrypt, last, stolen)
	}
	return out, nil
}

// OpenXTS decrypts what XTS encrypted. There is no authentication.
func OpenXTS(data, tweaks cipher.Block, tweak, ciphertext []byte) ([]byte, error) {
	t, err := newXTS(data, tweaks, tweak, ciphertext)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(ciphertext))
	whole, rest := t.split(len(ciphertext))
	if rest > 0 {
		whole--
	}
	for i := range whole {
		t.block(data.Decrypt, out[i*blockSize:], ciphertext[i*blockSize:])
		t.next()
	}
	if rest > 0 { // the tweaks of the last two blocks were used in the other order
		begin, end := whole*blockSize, (whole+1)*blockSize
		before := t.tweak
		t.next()
		var last [blockSize]byte
		t.block(data.Decrypt, last[:], ciphertext[begin:])
		copy(out[end:], last[:rest])
		t.tweak = before
		t.block(data.Decrypt, out[begin:], append(append([]byte(nil), ciphertext[end:]...), last[rest:]...))
	}
	return out, nil
}

type xts struct{ tweak [blockSize]byte }

func newXTS(data, tweaks cipher.Block, tweak, input []byte) (*xts, error) {
	if data.BlockSize() != blockSize || tweaks.BlockSize() != blockSize {
		return nil, errBlock
	}
	if len(tweak) != blockSize || len(input) < blockSize {
		return nil, ErrLength
	}
	t := &xts{}
	tweaks.Encrypt(t.tweak[:], tweak)
	return t, nil
}

// split returns the number of whole blocks and the bytes after them.
func (t *xts) split(n int) (whole, rest int) { return n / blockSize, n % blockSize }

func (t *xts) block(f func(dst, src []byte), dst, src []byte) {
	var b [blockSize]byte
	xor(b[:], src, t.tweak[:])
	f(b[:], b[:])
	xor(dst[:blockSize], b[:], t.tweak[:])
}

// next multiplies the tweak by x in GF(2^128), little-endian.
func (t *xts) next() {
	carry := t.tweak[blockSize-1] >> 7
	for i := blockSize - 1; i > 0; i-- {
		t.tweak[i] = t.tweak[i]<<1 | t.tweak[i-1]>>7
	}
	t.tweak[0] = t.tweak[0]<<1 ^ 0x87&-carry
}
