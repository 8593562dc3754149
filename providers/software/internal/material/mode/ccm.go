package mode

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
)

const blockSize = 16

var errBlock = errors.New("the mode needs a cipher with 16-byte blocks")

// CCM is counter mode with CBC-MAC.
type CCM struct {
	block   cipher.Block
	tagSize int
}

// NewCCM returns CCM with tags of 4, 6, 8, 10, 12, 14 or 16 bytes.
func NewCCM(b cipher.Block, tagSize int) (*CCM, error) {
	if b.BlockSize() != blockSize {
		return nil, errBlock
	}
	if tagSize < 4 || tagSize > 16 || tagSize%2 != 0 {
		return nil, fmt.Errorf("ccm tags have an even length from 4 to 16 bytes, not %d", tagSize)
	}
	return &CCM{b, tagSize}, nil
}

// Seal returns ciphertext ‖ tag. A nonce has 7 to 13 bytes; of n bytes of nonce it depends
// how long the plaintext may be: below 2^(8·(15-n)) bytes, which is 64 KiB for 13.
func (c *CCM) Seal(nonce, plaintext, ad []byte) ([]byte, error) {
	if err := c.check(nonce, len(plaintext)); err != nil {
		return nil, err
	}
	out := make([]byte, len(plaintext)+c.tagSize)
	stream, mask := c.counter(nonce)
	stream.XORKeyStream(out, plaintext)
	tag := c.tag(nonce, plaintext, ad)
	xor(out[len(plaintext):], tag[:], mask[:])
	return out, nil
}

// Open verifies ciphertext ‖ tag and returns the plaintext, or ErrTag.
func (c *CCM) Open(nonce, ciphertext, ad []byte) ([]byte, error) {
	size := len(ciphertext) - c.tagSize
	if size < 0 {
		return nil, ErrLength
	}
	if err := c.check(nonce, size); err != nil {
		return nil, err
	}
	out := make([]byte, size)
	stream, mask := c.counter(nonce)
	stream.XORKeyStream(out, ciphertext[:size])
	tag := c.tag(nonce, out, ad)
	xor(tag[:], tag[:], mask[:])
	if subtle.ConstantTimeCompare(tag[:c.tagSize], ciphertext[size:]) != 1 {
		clear(out)
		return nil, ErrTag
	}
	return out, nil
}

func (c *CCM) check(nonce []byte, size int) error {
	if len(nonce) < 7 || len(nonce) > 13 {
		return fmt.Errorf("ccm nonces have 7 to 13 bytes, not %d", len(nonce))
	}
	if uint64(size)>>(8*(15-len(nonce))) != 0 { //nolint:gosec // a length is not negative
		return fmt.Errorf("%d bytes are too many for ccm with a nonce of %d bytes", size, len(nonce))
	}
	return nil
}

// counter returns the key stream, and its first block, which masks the tag.
func (c *CCM) counter(nonce []byte) (cipher.Stream, [blockSize]byte) {
	var start, mask [blockSize]byte
	start[0] = byte(14 - len(nonce)) //nolint:gosec // the counter's length in bytes, less one: 1 to 7
	copy(start[1:], nonce)
	stream := cipher.NewCTR(c.block, start[:])
	stream.XORKeyStream(mask[:], mask[:])
	return stream, mask
}

// tag is CBC-MAC over header, associated data and plaintext, each padded with zeros.
func (c *CCM) tag(nonce, plaintext, ad []byte) [blockSize]byte {
	var first [blockSize]byte
	binary.BigEndian.PutUint64(first[8:], uint64(len(plaintext)))
	first[0] = byte(14-len(nonce)) | byte((c.tagSize-2)/2)<<3 //nolint:gosec // at most 7
	copy(first[1:], nonce)
	if len(ad) > 0 {
		first[0] |= 1 << 6
	}
	m := cbcMAC{block: c.block}
	m.write(first[:])
	if len(ad) > 0 {
		m.write(adLength(len(ad)))
		m.write(ad)
		m.pad()
	}
	m.write(plaintext)
	m.pad()
	return m.state
}

// adLength encodes the length of the associated data.
func adLength(n int) []byte {
	if n < 0xff00 {
		return binary.BigEndian.AppendUint16(nil, uint16(n)) //nolint:gosec // compared
	}
	if uint64(n)>>32 == 0 {
		return binary.BigEndian.AppendUint32([]byte{0xff, 0xfe}, uint32(n)) //nolint:gosec // compared
	}
	return binary.BigEndian.AppendUint64([]byte{0xff, 0xff}, uint64(n))
}

// cbcMAC is the chaining of CCM: data of any length, padded on demand.
type cbcMAC struct {
	block cipher.Block
	state [blockSize]byte
	fill  int
}

func (m *cbcMAC) write(p []byte) {
	for len(p) > 0 {
		n := min(blockSize-m.fill, len(p))
		xor(m.state[m.fill:m.fill+n], m.state[m.fill:], p)
		p, m.fill = p[n:], m.fill+n
		if m.fill == blockSize {
			m.pad()
		}
	}
}

// pad ends the block that was begun, if any.
func (m *cbcMAC) pad() {
	if m.fill > 0 {
		m.block.Encrypt(m.state[:], m.state[:])
		m.fill = 0
	}
}
