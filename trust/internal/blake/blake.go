// Package blake is BLAKE2b (RFC 7693) with salt and personalisation, which golang.org/x/crypto
// does not offer, and which keeps no copy of the key. It takes no secret-dependent branch and looks
// nothing up by a secret.
package blake

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// Size is that of the longest key and digest.
const (
	Size      = 64
	blockSize = 128
	saltSize  = 16
)

var iv = [8]uint64{
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
}

var sigma = [10][16]uint8{
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}

// Config is the part of the parameter block that is not fixed: no tree, no fan-out.
type Config struct {
	Key            []byte
	Salt, Personal [saltSize]byte
}

var errSize = errors.New("BLAKE2b: wrong size of digest or key")

// Sum fills out, whose length is the digest length, with the digest of the parts, one after the other.
func (c *Config) Sum(out []byte, parts ...[]byte) error {
	if len(out) == 0 || len(out) > Size || len(c.Key) > Size {
		return errSize
	}
	scrub.Do(func() { c.sum(out, parts) })
	return nil
}

func (c *Config) sum(out []byte, parts [][]byte) {
	s := state{h: iv}
	s.h[0] ^= uint64(len(out)) | uint64(len(c.Key))<<8 | 1<<16 | 1<<24
	for i := range 2 {
		s.h[4+i] ^= binary.LittleEndian.Uint64(c.Salt[8*i:])
		s.h[6+i] ^= binary.LittleEndian.Uint64(c.Personal[8*i:])
	}
	if len(c.Key) > 0 {
		copy(s.block[:], c.Key)
		s.used = blockSize
	}
	for _, p := range parts {
		s.write(p)
	}
	s.finish(out)
}

// state is a digest that is being made.
type state struct {
	h     [8]uint64
	block [blockSize]byte
	// used is how much of block waits: a full one too, until it is known whether it is the last.
	used  int
	count uint64
}

func (s *state) write(b []byte) {
	for len(b) > 0 {
		if s.used == blockSize {
			s.count += blockSize
			compress(&s.h, &s.block, s.count, false)
			s.used = 0
		}
		n := copy(s.block[s.used:], b)
		s.used, b = s.used+n, b[n:]
	}
}

func (s *state) finish(out []byte) {
	clear(s.block[s.used:])
	s.count += uint64(s.used) //nolint:gosec // at most a block
	compress(&s.h, &s.block, s.count, true)
	for i, x := range s.h {
		binary.LittleEndian.PutUint64(s.block[8*i:], x)
	}
	copy(out, s.block[:])
}

// compress is the function F of the RFC, for less than 2^64 bytes.
func compress(h *[8]uint64, block *[blockSize]byte, count uint64, last bool) {
	var m, v [16]uint64
	for i := range m {
		m[i] = binary.LittleEndian.Uint64(block[8*i:])
	}
	copy(v[:8], h[:])
	copy(v[8:], iv[:])
	v[12] ^= count
	if last {
		v[14] = ^v[14]
	}
	for round := range 12 {
		s := &sigma[round%10]
		for i := range 4 {
			mix(&v, i, 4+i, 8+i, 12+i, m[s[2*i]], m[s[2*i+1]])
		}
		for i := range 4 {
			mix(&v, i, 4+(i+1)%4, 8+(i+2)%4, 12+(i+3)%4, m[s[8+2*i]], m[s[9+2*i]])
		}
	}
	for i := range h {
		h[i] ^= v[i] ^ v[8+i]
	}
}

func mix(v *[16]uint64, a, b, c, d int, x, y uint64) {
	v[a] += v[b] + x
	v[d] = bits.RotateLeft64(v[d]^v[a], -32)
	v[c] += v[d]
	v[b] = bits.RotateLeft64(v[b]^v[c], -24)
	v[a] += v[b] + y
	v[d] = bits.RotateLeft64(v[d]^v[a], -16)
	v[c] += v[d]
	v[b] = bits.RotateLeft64(v[b]^v[c], -63)
}
