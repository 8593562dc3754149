package cardtest

import "encoding/binary"

// item is one data object of BER-TLV: a tag of one to three bytes and its content.
type item struct {
	tag  uint32
	data []byte
}

// appendItem appends a data object.
func appendItem(b []byte, tag uint32, data []byte) []byte {
	switch {
	case tag > 0xffff:
		b = append(b, byte(tag>>16), byte(tag>>8))
	case tag > 0xff:
		b = append(b, byte(tag>>8))
	}
	b = append(b, byte(tag))
	switch n := len(data); {
	case n < 0x80:
		b = append(b, byte(n))
	case n < 0x100:
		b = append(b, 0x81, byte(n))
	default:
		b = binary.BigEndian.AppendUint16(append(b, 0x82), uint16(n))
	}
	return append(b, data...)
}

// wrap returns the items in a data object.
func wrap(tag uint32, items ...item) []byte {
	var content []byte
	for _, i := range items {
		content = appendItem(content, i.tag, i.data)
	}
	return appendItem(nil, tag, content)
}

// parse splits b into data objects. ok is false for what is not well formed.
func parse(b []byte) (items []item, ok bool) {
	for len(b) > 0 {
		tag, rest, ok := cutTag(b)
		if !ok {
			return nil, false
		}
		n, rest, ok := cutLength(rest)
		if !ok || n > len(rest) {
			return nil, false
		}
		items = append(items, item{tag, rest[:n]})
		b = rest[n:]
	}
	return items, true
}

func cutTag(b []byte) (tag uint32, rest []byte, ok bool) {
	const long, most = 0x1f, 3
	for i, c := range b[:min(len(b), most)] {
		tag = tag<<8 | uint32(c)
		if i == 0 && c&long != long || i > 0 && c&0x80 == 0 {
			return tag, b[i+1:], true
		}
	}
	return 0, nil, false
}

func cutLength(b []byte) (n int, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 0x80:
		return int(b[0]), b[1:], true
	case len(b) >= 2 && b[0] == 0x81:
		return int(b[1]), b[2:], true
	case len(b) >= 3 && b[0] == 0x82:
		return int(binary.BigEndian.Uint16(b[1:])), b[3:], true
	default:
		return 0, nil, false
	}
}

// find returns the content of the first data object with the tag.
func find(items []item, tag uint32) (data []byte, ok bool) {
	for _, i := range items {
		if i.tag == tag {
			return i.data, true
		}
	}
	return nil, false
}
