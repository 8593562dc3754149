package mode

import (
	"crypto/cipher"
)

// CMAC returns the whole CMAC of the message: one block of b, which must have 8 or 16
// bytes.
func CMAC(b cipher.Block, message []byte) []byte {
	size := b.BlockSize()
	subkey := make([]byte, size)
	defer clear(subkey)
	b.Encrypt(subkey, subkey)
	double(subkey) // K1, for a last block that is whole
	split := max(0, (len(message)-1)/size*size)
	last := make([]byte, size)
	if n := copy(last, message[split:]); n < size {
		last[n] = 0x80
		double(subkey) // K2
	}
	xor(last, last, subkey)
	state := make([]byte, size)
	chain(b, state, message[:split])
	chain(b, state, last)
	return state
}

// CBCMAC returns the CBC-MAC without padding of a message of one or more whole blocks. It
// is only secure where all messages of a key have one length.
func CBCMAC(b cipher.Block, message []byte) ([]byte, error) {
	if len(message) == 0 || len(message)%b.BlockSize() != 0 {
		return nil, ErrLength
	}
	state := make([]byte, b.BlockSize())
	chain(b, state, message)
	return state, nil
}

// chain runs CBC over whole blocks.
func chain(b cipher.Block, state, blocks []byte) {
	for ; len(blocks) > 0; blocks = blocks[len(state):] {
		xor(state, state, blocks)
		b.Encrypt(state, state)
	}
}

// double multiplies by x in GF(2^64) or GF(2^128), big-endian, without branches.
func double(p []byte) {
	poly := byte(0x87)
	if len(p) == 8 {
		poly = 0x1b
	}
	carry := p[0] >> 7
	for i := range len(p) - 1 {
		p[i] = p[i]<<1 | p[i+1]>>7
	}
	p[len(p)-1] = p[len(p)-1]<<1 ^ poly&-carry
}
