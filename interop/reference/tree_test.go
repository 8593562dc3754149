package reference

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

// node is a value of MessagePack that can be written again as it was, and changed before.
type node struct {
	// raw is a whole scalar, header and all.
	raw []byte
	// kids are the elements of an array, or keys and values of a map in turn.
	kids     []*node
	isMap    bool
	isArray  bool
	isString bool
}

var errTree = errors.New("no value of MessagePack")

// parse reads one value.
func parse(b []byte) (*node, []byte, error) {
	if len(b) == 0 {
		return nil, nil, errTree
	}
	switch c := b[0]; {
	case c >= 0x80 && c <= 0x8f:
		return parseKids(b[1:], 2*int(c&0x0f), true)
	case c >= 0x90 && c <= 0x9f:
		return parseKids(b[1:], int(c&0x0f), false)
	case c == 0xdc || c == 0xde:
		return parseLong(b, 2, c == 0xde)
	case c == 0xdd || c == 0xdf:
		return parseLong(b, 4, c == 0xdf)
	}
	size, ok := scalar(b)
	if !ok || size > len(b) {
		return nil, nil, errTree
	}
	isString := b[0] >= 0xa0 && b[0] <= 0xbf || b[0] >= 0xd9 && b[0] <= 0xdb
	return &node{raw: b[:size], isString: isString}, b[size:], nil
}

func parseLong(b []byte, width int, isMap bool) (*node, []byte, error) {
	n, ok := length(b, width)
	if !ok || n > len(b) {
		return nil, nil, errTree
	}
	if isMap {
		n *= 2
	}
	return parseKids(b[1+width:], n, isMap)
}

func parseKids(b []byte, n int, isMap bool) (*node, []byte, error) {
	all := &node{isMap: isMap, isArray: !isMap}
	for range n {
		kid, rest, err := parse(b)
		if err != nil {
			return nil, nil, err
		}
		all.kids, b = append(all.kids, kid), rest
	}
	return all, b, nil
}

// length reads the number of so many bytes that follows a header.
func length(b []byte, width int) (int, bool) {
	if len(b) < 1+width {
		return 0, false
	}
	n := uint64(0)
	for _, c := range b[1 : 1+width] {
		n = n<<8 | uint64(c)
	}
	return int(n), true
}

// scalar returns the length of a scalar.
func scalar(b []byte) (int, bool) {
	fixed := map[byte]int{
		0xc0: 1, 0xc2: 1, 0xc3: 1, 0xca: 5, 0xcb: 9, 0xcc: 2, 0xcd: 3, 0xce: 5, 0xcf: 9, 0xd0: 2, 0xd1: 3, 0xd2: 5, 0xd3: 9,
		0xd4: 3, 0xd5: 4, 0xd6: 6, 0xd7: 10, 0xd8: 18,
	}
	widths := map[byte]int{0xc4: 1, 0xc5: 2, 0xc6: 4, 0xd9: 1, 0xda: 2, 0xdb: 4, 0xc7: 1, 0xc8: 2, 0xc9: 4}
	if len(b) == 0 {
		return 0, false
	}
	c := b[0]
	switch {
	case c < 0x80 || c >= 0xe0:
		return 1, true
	case c >= 0xa0 && c <= 0xbf:
		return 1 + int(c&0x1f), true
	case fixed[c] > 0:
		return fixed[c], true
	case widths[c] > 0:
		n, ok := length(b, widths[c])
		if c >= 0xc7 && c <= 0xc9 {
			n++ // the type of an extension
		}
		return 1 + widths[c] + n, ok
	}
	return 0, false
}

// write appends the value.
func (n *node) write(b []byte) []byte {
	switch {
	case n.isMap:
		b = header(b, len(n.kids)/2, 0x80, 0xde)
	case n.isArray:
		b = header(b, len(n.kids), 0x90, 0xdc)
	default:
		return append(b, n.raw...)
	}
	for _, kid := range n.kids {
		b = kid.write(b)
	}
	return b
}

func header(b []byte, n int, short, long byte) []byte {
	if n < 16 {
		return append(b, short|byte(n))
	}
	return binary.BigEndian.AppendUint16(append(b, long), uint16(n))
}

// all returns the value and everything in it.
func (n *node) all() []*node {
	found := []*node{n}
	for _, kid := range n.kids {
		found = append(found, kid.all()...)
	}
	return found
}

// canonical is a value without what has no meaning: the order of maps, and of sets, which are arrays of ids.
func canonical(b []byte) ([]byte, error) {
	n, rest, err := parse(b)
	if err != nil || len(rest) > 0 {
		return nil, errTree
	}
	n.sort()
	return n.write(nil), nil
}

func (n *node) sort() {
	for _, kid := range n.kids {
		kid.sort()
	}
	compare := func(a, b []*node) int { return bytes.Compare(a[0].write(nil), b[0].write(nil)) }
	size := 1
	if n.isMap {
		size = 2
	} else if slices.ContainsFunc(n.kids, func(kid *node) bool { return len(kid.raw) != 18 || kid.raw[0] != 0xd8 }) {
		return
	}
	n.kids = slices.Concat(slices.SortedStableFunc(slices.Chunk(n.kids, size), compare)...)
}

// value returns what a map has at a key, nil if it has nothing.
func (n *node) value(key *node) *node {
	for i := 0; i+1 < len(n.kids); i += 2 {
		if same(n.kids[i], key) {
			return n.kids[i+1]
		}
	}
	return nil
}

// same compares keys, whatever their form.
func same(a, b *node) bool {
	x, ok := blob(a.raw)
	y, also := blob(b.raw)
	return ok && also && bytes.Equal(x, y) || !ok && !also && bytes.Equal(a.raw, b.raw)
}

// blob returns what is in a text or in bytes.
func blob(raw []byte) ([]byte, bool) {
	if len(raw) == 0 {
		return nil, false
	}
	switch c := raw[0]; {
	case c >= 0xa0 && c <= 0xbf:
		return raw[1:], true
	case c == 0xc4 || c == 0xd9:
		return raw[2:], true
	case c == 0xc5 || c == 0xda:
		return raw[3:], true
	case c == 0xc6 || c == 0xdb:
		return raw[5:], true
	}
	return nil, false
}

func blobOf(body []byte, text bool) []byte {
	code := byte(0xc5)
	if text {
		code = 0xda
	}
	return append(binary.BigEndian.AppendUint16([]byte{code}, uint16(len(body))), body...)
}
