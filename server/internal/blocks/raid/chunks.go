package raid

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
)

// header is the length of the block, which comes before it.
const header = 4

// split cuts a block for RAID5: its length and content, padded with zeros, in nodes-1
// chunks of equal size, and the XOR of these.
func split(data []byte, nodes int) [][]byte {
	size := chunkSize(len(data), nodes)
	padded := make([]byte, size*nodes)                    // the last chunk is the parity
	binary.BigEndian.PutUint32(padded, uint32(len(data))) //nolint:gosec // at most MaxSize
	copy(padded[header:], data)
	chunks := make([][]byte, nodes)
	for i := range chunks {
		chunks[i] = padded[i*size : (i+1)*size : (i+1)*size]
	}
	parity := chunks[nodes-1]
	for _, c := range chunks[:nodes-1] {
		subtle.XORBytes(parity, parity, c)
	}
	return chunks
}

// chunkSize is the size of the chunks of a block.
func chunkSize(block, nodes int) int { return (block + header + nodes - 2) / (nodes - 1) }

// join is the reverse of split. One chunk may be missing (nil); a missing parity is not
// needed, and one that is there is not looked at unless it is.
func join(chunks [][]byte) ([]byte, error) {
	parts := len(chunks) - 1
	missing, size := -1, -1
	for i, c := range chunks {
		switch {
		case c == nil && i < parts && missing >= 0:
			return nil, fmt.Errorf("%w: chunks %d and %d are missing", blocks.ErrCorrupt, missing, i)
		case c == nil && i < parts:
			missing = i
		case c != nil && size < 0:
			size = len(c)
		case c != nil && len(c) != size:
			return nil, fmt.Errorf("%w: chunk %d has %d bytes and not %d", blocks.ErrCorrupt, i, len(c), size)
		}
	}
	if missing >= 0 && chunks[parts] == nil {
		return nil, fmt.Errorf("%w: chunk %d and the parity are missing", blocks.ErrCorrupt, missing)
	}
	joined := make([]byte, max(size, 0)*parts)
	for i, c := range chunks[:parts] {
		copy(joined[i*size:], c)
	}
	if missing >= 0 {
		rebuilt := joined[missing*size : (missing+1)*size]
		copy(rebuilt, chunks[parts])
		for _, c := range chunks[:parts] {
			if c != nil {
				subtle.XORBytes(rebuilt, rebuilt, c)
			}
		}
	}
	return unpad(joined, size, len(chunks))
}

// unpad takes the block out of the joined chunks and checks that they can be of one.
func unpad(joined []byte, size, nodes int) ([]byte, error) {
	if len(joined) < header {
		return nil, fmt.Errorf("%w: chunks of %d bytes", blocks.ErrCorrupt, size)
	}
	n := int64(binary.BigEndian.Uint32(joined))
	if n > blocks.MaxSize || chunkSize(int(n), nodes) != size {
		return nil, fmt.Errorf("%w: chunks of %d bytes for a block of %d", blocks.ErrCorrupt, size, n)
	}
	for _, b := range joined[header+n:] {
		if b != 0 {
			return nil, fmt.Errorf("%w: the padding is not zero", blocks.ErrCorrupt)
		}
	}
	return joined[header : header+n], nil
}

// odd returns the one chunk whose size is not that of all others, which a damaged node may
// give, or -1.
func odd(chunks [][]byte) int {
	bySize := map[int][]int{}
	for i, c := range chunks {
		bySize[len(c)] = append(bySize[len(c)], i)
	}
	if len(bySize) != 2 {
		return -1
	}
	for _, of := range bySize {
		if len(of) == 1 && len(chunks) > 2 {
			return of[0]
		}
	}
	return -1
}
