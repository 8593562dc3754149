package camellia

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"runtime"
)

// BlockSize is the block size in bytes.
const BlockSize = 16

// Cipher is Camellia with one key. It implements cipher.Block.
type Cipher struct {
	_         [0]func()
	grand     int // runs of six rounds: 3 for 128-bit keys, else 4
	enc, dec  schedule
	keyLength int
}

// schedule holds subkeys in the order of their use.
type schedule struct {
	white [4]uint64
	round [24]uint64
	fl    [6]uint64
}

// New returns the cipher for a key of 16, 24 or 32 bytes.
func New(key []byte) (*Cipher, error) {
	c := &Cipher{grand: 4, keyLength: len(key)}
	var left, right word128
	switch len(key) {
	case 16:
		c.grand = 3
	case 24:
		right.hi = binary.BigEndian.Uint64(key[16:])
		right.lo = ^right.hi
	case 32:
		right = load(key[16:])
	default:
		return nil, fmt.Errorf("a camellia key has 16, 24 or 32 bytes, not %d", len(key))
	}
	left = load(key)
	c.expand(left, right)
	c.reverse()
	return c, nil
}

// BlockSize returns the block size in bytes.
func (c *Cipher) BlockSize() int { return BlockSize }

// Encrypt encrypts the first block of src into dst.
func (c *Cipher) Encrypt(dst, src []byte) { c.crypt(&c.enc, dst, src) }

// Decrypt decrypts the first block of src into dst.
func (c *Cipher) Decrypt(dst, src []byte) { c.crypt(&c.dec, dst, src) }

// Wipe clears the expanded key. The cipher must not be used afterwards.
func (c *Cipher) Wipe() {
	c.enc, c.dec = schedule{}, schedule{}
	runtime.KeepAlive(c)
}

// Format prints only what the cipher is, whatever the verb.
func (c *Cipher) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "camellia.Cipher(%d bits)", c.keyLength*8)
}

func (c *Cipher) crypt(k *schedule, dst, src []byte) {
	if len(src) < BlockSize || len(dst) < BlockSize {
		panic("camellia: input or output is not a full block")
	}
	s := load(src)
	s.hi ^= k.white[0]
	s.lo ^= k.white[1]
	for g := range c.grand {
		if g > 0 {
			s.hi, s.lo = fl(s.hi, k.fl[2*g-2]), flInverse(s.lo, k.fl[2*g-1])
		}
		for r := 6 * g; r < 6*g+6; r += 2 {
			s.lo ^= f(s.hi, k.round[r])
			s.hi ^= f(s.lo, k.round[r+1])
		}
	}
	word128{s.lo ^ k.white[2], s.hi ^ k.white[3]}.store(dst)
}

// f is one round function: key, S-boxes, then the byte mixing P as four rotations.
func f(x, key uint64) uint64 {
	x = substitute(x ^ key)
	hi, lo := uint32(x>>32), uint32(x) //nolint:gosec // the halves of x
	hi ^= bits.RotateLeft32(lo, 8)
	lo ^= bits.RotateLeft32(hi, 16)
	hi ^= bits.RotateLeft32(lo, 24)
	lo ^= bits.RotateLeft32(hi, 24)
	return uint64(lo)<<32 | uint64(hi)
}

func fl(x, key uint64) uint64 {
	hi, lo := uint32(x>>32), uint32(x) //nolint:gosec // the halves of x
	lo ^= bits.RotateLeft32(hi&uint32(key>>32), 1)
	hi ^= lo | uint32(key) //nolint:gosec // the lower half
	return uint64(hi)<<32 | uint64(lo)
}

func flInverse(x, key uint64) uint64 {
	hi, lo := uint32(x>>32), uint32(x) //nolint:gosec // the halves of x
	hi ^= lo | uint32(key)             //nolint:gosec // the lower half
	lo ^= bits.RotateLeft32(hi&uint32(key>>32), 1)
	return uint64(hi)<<32 | uint64(lo)
}
