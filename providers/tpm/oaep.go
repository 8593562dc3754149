package tpm

import (
	"crypto"
	"crypto/subtle"
	"encoding/binary"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// oaepDecode removes the padding of OAEP (RFC 8017, 7.1.2) from the bare result of an RSA
// operation with a modulus of n bytes. It takes the same time for every content, and says
// nothing of what is wrong with a padding.
func oaepDecode(h crypto.Hash, encoded []byte, n int, label []byte) ([]byte, error) {
	encoded, err := pad(encoded, n)
	if err != nil {
		return nil, err
	}
	defer clear(encoded)
	size := h.Size()
	if n < 2*size+2 {
		return nil, wire.Errorf(wire.StatusInvalidArgument, "the key is too small for OAEP with %s", h)
	}
	seed, block := encoded[1:1+size], encoded[1+size:]
	mgf1(h, block, seed)
	mgf1(h, seed, block)
	want := h.New()
	want.Write(label)

	good := subtle.ConstantTimeByteEq(encoded[0], 0)
	good &= subtle.ConstantTimeCompare(want.Sum(nil), block[:size])
	rest := block[size:]
	searching, index := 1, 0
	for i, b := range rest {
		one := subtle.ConstantTimeByteEq(b, 1)
		zero := subtle.ConstantTimeByteEq(b, 0)
		index = subtle.ConstantTimeSelect(searching&one, i, index)
		searching = subtle.ConstantTimeSelect(one, 0, searching)
		good = subtle.ConstantTimeSelect(searching&^zero&1, 0, good)
	}
	if good&^searching&1 != 1 {
		return nil, wire.StatusInvalidPadding
	}
	return append([]byte(nil), rest[index+1:]...), nil
}

// mgf1 adds the mask that a seed generates to a block.
func mgf1(h crypto.Hash, seed, block []byte) {
	var counter [4]byte
	for i := uint32(0); len(block) > 0; i++ {
		d := h.New()
		d.Write(seed)
		binary.BigEndian.PutUint32(counter[:], i)
		d.Write(counter[:])
		block = block[subtle.XORBytes(block, block, d.Sum(nil)):]
	}
}
