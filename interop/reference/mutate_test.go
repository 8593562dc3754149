//go:build interop

package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// mutateContent changes the meaning of MessagePack: fields go, come twice, change their type …; some changes are none.
func (d *draw) mutateContent(content []byte) []byte {
	if d.chance(4) {
		return d.mutateBytes(content)
	}
	root, rest, err := parse(content)
	if err != nil || len(rest) > 0 {
		return d.mutateBytes(content)
	}
	if !d.chance(12) || !d.oddKey(root) {
		for range 1 + d.IntN(2) {
			d.mutateNode(d.node(root))
		}
	}
	b := root.write(nil)
	if d.chance(40) {
		b = append(b, d.bytes()...)
	}
	return b
}

// node is anything in a value, structures as often as all the rest.
func (d *draw) node(root *node) *node {
	all := root.all()
	if d.chance(2) {
		all = slices.DeleteFunc(all, func(n *node) bool { return !n.isMap && !n.isArray })
	}
	if len(all) == 0 {
		return root
	}
	return pick(d, all)
}

func (d *draw) mutateNode(n *node) {
	switch {
	case n.isMap && len(n.kids) > 0:
		d.mutateMap(n)
	case n.isArray:
		d.mutateArray(n)
	default:
		n.raw = d.mutateScalar(n)
	}
}

// otherValues stand where something else is expected.
var otherValues = []string{
	"c0", "c2", "c3", "00", "01", "02", "03", "7f", "ff", "d0ff", "ccff", "cdffff", "ceffffffff", "cfffffffffffffffff", "d3ffffffffffffffff", "d30000000000000001",
	"ca00000000", "cb3ff0000000000000", "a0", "a178", "a1ff", "c400", "c40178", "90", "9100", "80", "81a17800", "8100c0", "d7010000000000000000", "d7017fffffffffffffff",
	"d7018000000000000000", "d802" + zeros, "d802" + zeros, "d801" + zeros, "c71002" + zeros, "d4ff00", "c7000100", "c1", "dc0000", "de0000", "d900", "da0000", "db00000000",
	"c500", "c600000000", "ce00000001", "cf0000000000000001", "d9057a7a7a7a7a",
}

const zeros = "00000000000000000000000000000000"

// oddKeys of 32 bytes are points that keys may not be, and some that they may.
var oddKeys = []string{
	"01" + strings.Repeat("00", 31), strings.Repeat("00", 32), "ec" + strings.Repeat("ff", 30) + "7f", "ed" + strings.Repeat("ff", 30) + "7f",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", strings.Repeat("ff", 32), "02" + strings.Repeat("00", 31),
}

// oddKey puts an odd key in the place of one, if there is one.
func (d *draw) oddKey(root *node) bool {
	keys := slices.DeleteFunc(root.all(), func(n *node) bool { body, ok := blob(n.raw); return !ok || len(body) != 32 })
	if len(keys) == 0 {
		return false
	}
	pick(d, keys).raw = blobOf(must(hex.DecodeString(pick(d, oddKeys))), false)
	return true
}

func (d *draw) value() *node {
	return &node{raw: must(hex.DecodeString(pick(d, otherValues)))}
}

func (d *draw) mutateMap(n *node) {
	at := 2 * d.IntN(len(n.kids)/2)
	key := n.kids[at]
	switch d.IntN(10) {
	case 0:
		n.kids = slices.Delete(n.kids, at, at+2)
	case 1:
		n.kids = append(n.kids, key, n.kids[at+1])
	case 2:
		other := 2 * d.IntN(len(n.kids)/2)
		n.kids[at], n.kids[other] = n.kids[other], n.kids[at]
		n.kids[at+1], n.kids[other+1] = n.kids[other+1], n.kids[at+1]
	case 3:
		n.kids[at+1] = d.value()
	case 4: // a field that nobody knows
		n.kids = slices.Insert(n.kids, at, &node{raw: []byte("\xa7unknown")}, d.unknown())
	case 5:
		n.kids[at] = d.value()
	case 6:
		key.raw = d.mutateScalar(key)
	case 7: // as an array: values alone
		values := []*node{}
		for i := 1; i < len(n.kids); i += 2 {
			values = append(values, n.kids[i])
		}
		n.isMap, n.isArray, n.kids = false, true, values
	case 8:
		n.kids[at] = &node{raw: append([]byte{0xa3}, "\xc3\x28x"...)} // no UTF-8
	case 9: // a key as its place
		n.kids[at] = &node{raw: []byte{byte(at / 2)}}
	}
}

// unknown is a value of any depth and length.
func (d *draw) unknown() *node {
	v := d.value()
	switch {
	case d.chance(4):
		for range d.IntN(60) {
			v = &node{isArray: true, kids: []*node{v}}
		}
	case d.chance(20):
		v = &node{raw: binary.BigEndian.AppendUint32([]byte{0xc6}, 2<<20)}
		v.raw = append(v.raw, make([]byte, 2<<20)...)
	}
	return v
}

func (d *draw) mutateArray(n *node) {
	if len(n.kids) == 0 {
		n.kids = []*node{d.value()}
		return
	}
	at := d.IntN(len(n.kids))
	switch d.IntN(4) {
	case 0:
		n.kids = slices.Delete(n.kids, at, at+1)
	case 1:
		n.kids = append(n.kids, n.kids[at])
	case 2:
		n.kids[at] = d.value()
	case 3:
		n.kids = slices.Insert(n.kids, at, d.value())
	}
}

// mutateScalar changes the content or the form of a scalar.
func (d *draw) mutateScalar(n *node) []byte {
	raw := n.raw
	if size, ok := scalar(raw); !ok || size != len(raw) { // it was damaged before
		return d.value().raw
	}
	body, isBin := blob(raw)
	switch {
	case d.chance(3):
		return d.value().raw
	case isNumber(n) && d.chance(2): // the largest, and others that sums overflow with
		return must(hex.DecodeString(pick(d, []string{"00", "cfffffffffffffffff", "cffffffffffffffff0", "cf8000000000000000"})))
	case raw[0] < 0x80: // a small number in a longer form
		return append(pick(d, [][]byte{{0xcc}, {0xcd, 0}, {0xce, 0, 0, 0}, {0xcf, 0, 0, 0, 0, 0, 0, 0}, {0xd0}, {0xd1, 0}, {0xd3, 0, 0, 0, 0, 0, 0, 0}}), raw[0])
	case isBin && d.chance(3): // bytes as a text, and a text as bytes
		return blobOf(body, !n.isString)
	case isBin && d.chance(4):
		return blobOf(append(slices.Clone(body), bytes.Repeat([]byte{'z'}, d.IntN(9000))...), n.isString)
	case isBin:
		return blobOf(d.mutateBytes(append(slices.Clone(body), 'x')), n.isString)
	}
	return d.mutateBytes(raw)
}

// mutateBytes changes, removes, doubles or inserts bytes.
func (d *draw) mutateBytes(b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + d.IntN(2) {
		if len(b) == 0 {
			return []byte{0x80}
		}
		at := d.IntN(len(b))
		n := 1 + d.IntN(min(12, len(b)-at))
		switch d.IntN(6) {
		case 0:
			b[at] ^= 1 << d.IntN(8)
		case 1:
			b[at] = byte(d.Uint32())
		case 2:
			b = slices.Delete(b, at, at+n)
		case 3:
			b = slices.Insert(b, at, b[at:at+n]...)
		case 4:
			b = slices.Insert(b, at, byte(d.Uint32()))
		case 5:
			b = b[:at]
		}
	}
	return b
}

// compress writes a content in frames: usually one, as everybody does, sometimes as nobody does.
func (d *draw) compress(content []byte) []byte {
	if !d.chance(4) {
		return plainFrame().EncodeAll(content, nil)
	}
	options := []zstd.EOption{
		zstd.WithEncoderLevel(pick(d, []zstd.EncoderLevel{zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBestCompression})),
		zstd.WithWindowSize(128 << 10), zstd.WithEncoderCRC(d.chance(2)), zstd.WithSingleSegment(d.chance(2)), zstd.WithZeroFrames(true),
	}
	cut := d.IntN(len(content) + 1)
	switch d.IntN(5) {
	case 0:
		return append(frame(content[:cut], options...), frame(content[cut:], options...)...)
	case 1: // a frame that is skipped
		return append([]byte{0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 'h', 'i'}, frame(content, options...)...)
	case 3:
		return d.farBack(content)
	case 2: // in pieces, without its size
		b := &bytes.Buffer{}
		w, err := zstd.NewWriter(b, options...)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(content[:cut])
		_ = w.Flush()
		_, _ = w.Write(content[cut:])
		_ = w.Close()
		return b.Bytes()
	}
	return frame(content, options...)
}

// farBack is a frame that says that it may refer to what is 128 KiB to 256 MiB before, and is not compressed.
func (d *draw) farBack(content []byte) []byte {
	const atLeast, least, kinds, block = 10, 17, 12, 128 << 10
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, byte(least-atLeast+d.IntN(kinds)) << 3}
	for {
		n, last := min(block, len(content)), 0
		if n == len(content) {
			last = 1
		}
		size := last | n<<3
		b = append(append(b, byte(size), byte(size>>8), byte(size>>16)), content[:n]...)
		if content = content[n:]; last == 1 {
			return b
		}
	}
}

func frame(content []byte, options ...zstd.EOption) []byte {
	w, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))...)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(content, nil)
}

var (
	plainFrame = sync.OnceValue(func() *zstd.Encoder {
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err)
		}
		return w
	})
	anyFrame = sync.OnceValue(func() *zstd.Decoder {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return r
	})
)

// decompress is for frames that were accepted.
func decompress(b []byte) ([]byte, error) { return anyFrame().DecodeAll(b, nil) }
