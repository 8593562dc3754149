package camellia

import "encoding/binary"

// word128 is a big-endian 128-bit word.
type word128 struct{ hi, lo uint64 }

// load reads the first 16 bytes, which there must be.
func load(in []byte) word128 {
	b := (*[BlockSize]byte)(in)
	return word128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

func (w word128) store(b []byte) {
	binary.BigEndian.PutUint64(b, w.hi)
	binary.BigEndian.PutUint64(b[8:16], w.lo)
}

// rotate rotates left by n bits, 0 ≤ n < 128.
func (w word128) rotate(n uint) word128 {
	if n >= 64 {
		w.hi, w.lo, n = w.lo, w.hi, n-64
	}
	return word128{w.hi<<n | w.lo>>(64-n), w.lo<<n | w.hi>>(64-n)}
}

func (w word128) xor(v word128) word128 { return word128{w.hi ^ v.hi, w.lo ^ v.lo} }

var sigma = [6]uint64{
	0xa09e667f3bcc908b, 0xb67ae8584caa73b2, 0xc6ef372fe94f82be, 0x54ff53a5f1d36f1c, 0x10e527fade682d1d, 0xb05688c2b3e6c1fd,
}

// mix is two rounds with the constants from sigma[i].
func mix(w word128, i int) word128 {
	w.lo ^= f(w.hi, sigma[i])
	w.hi ^= f(w.lo, sigma[i+1])
	return w
}

// expand derives the subkeys of encryption from KL and KR (RFC 3713 section 2.2).
func (c *Cipher) expand(kl, kr word128) {
	ka := mix(mix(kl.xor(kr), 0).xor(kl), 2)
	k := &c.enc
	white := func(i int, w word128) { k.white[i], k.white[i+1] = w.hi, w.lo }
	round := func(i int, w word128) { k.round[i], k.round[i+1] = w.hi, w.lo }
	layer := func(i int, w word128) { k.fl[i], k.fl[i+1] = w.hi, w.lo }
	white(0, kl)
	if c.grand == 3 {
		round(0, ka)
		round(2, kl.rotate(15))
		round(4, ka.rotate(15))
		layer(0, ka.rotate(30))
		round(6, kl.rotate(45))
		round(8, word128{ka.rotate(45).hi, kl.rotate(60).lo})
		round(10, ka.rotate(60))
		layer(2, kl.rotate(77))
		round(12, kl.rotate(94))
		round(14, ka.rotate(94))
		round(16, kl.rotate(111))
		white(2, ka.rotate(111))
		return
	}
	kb := mix(ka.xor(kr), 4)
	round(0, kb)
	round(2, kr.rotate(15))
	round(4, ka.rotate(15))
	layer(0, kr.rotate(30))
	round(6, kb.rotate(30))
	round(8, kl.rotate(45))
	round(10, ka.rotate(45))
	layer(2, kl.rotate(60))
	round(12, kr.rotate(60))
	round(14, kb.rotate(60))
	round(16, kl.rotate(77))
	layer(4, ka.rotate(77))
	round(18, kr.rotate(94))
	round(20, ka.rotate(94))
	round(22, kl.rotate(111))
	white(2, kb.rotate(111))
}

// reverse derives the subkeys of decryption: the same cipher, the subkeys backwards.
func (c *Cipher) reverse() {
	e, d := &c.enc, &c.dec
	d.white = [4]uint64{e.white[2], e.white[3], e.white[0], e.white[1]}
	rounds, layers := 6*c.grand, 2*c.grand-2
	for i := range rounds {
		d.round[i] = e.round[rounds-1-i]
	}
	for i := range layers {
		d.fl[i] = e.fl[layers-1-i]
	}
}
