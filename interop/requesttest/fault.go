package requesttest

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func formatUID(uid uint32) string { return strconv.FormatUint(uint64(uid), 10) }

// spoilBody makes a body strange or wrong: what no tidy encoder makes.
func (s *Source) spoilBody(st *Step, b []byte) []byte {
	r := s.r
	note := func(what string) { st.Faults = append(st.Faults, what) }
	number := protowire.Number(pick(r, 1, 2, 3, 4, 5, 9, 15, 16, 100, 1000, 1<<29-1))
	switch r.IntN(12) {
	case 0:
		note("unknown or wrong field")
		field := protowire.AppendTag(nil, number, pick(r, protowire.VarintType, protowire.Fixed32Type, protowire.Fixed64Type))
		return append(append(bytes.Clone(b), field...), randomBytes(r, pick(r, 0, 1, 4, 8))...)
	case 1:
		note("bytes field")
		field := protowire.AppendTag(nil, number, protowire.BytesType)
		return append(append(bytes.Clone(b), field...), protowire.AppendBytes(nil, randomBytes(r, r.IntN(6)))...)
	case 2:
		note("groups")
		depth := pick(r, 1, 2, 99, 100, 101, 300)
		for range depth {
			b = protowire.AppendTag(b, number, protowire.StartGroupType)
		}
		if chance(r, 30) {
			b = append(b, 0x08, 0x01)
		}
		for range depth - r.IntN(2) {
			b = protowire.AppendTag(b, number, protowire.EndGroupType)
		}
		return b
	case 3:
		note("cut body")
		return b[:r.IntN(len(b)+1)]
	case 4:
		note("body twice")
		return append(bytes.Clone(b), b...)
	case 5:
		note("flipped bit")
		if b = bytes.Clone(b); len(b) > 0 {
			b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		}
		return b
	case 6:
		note("long varint")
		return append([]byte{0x82, 0x80, 0x00, 0x01}[:pick(r, 0, 4)], s.longTag(b)...)
	case 7:
		note("name of invalid UTF-8")
		return append(bytes.Clone(b), 0x0a, 2, 0xc3, 0x28)
	case 8:
		note("field number 0")
		return append(bytes.Clone(b), 0x00, 0x01)
	case 9:
		note("huge length")
		return append(bytes.Clone(b), 0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)
	case 10:
		note("inserted byte")
		return slices.Insert(bytes.Clone(b), r.IntN(len(b)+1), byte(r.Uint32()))
	default:
		note("random body")
		return randomBytes(r, r.IntN(40))
	}
}

// longTag rewrites the first tag with more bytes than it needs.
func (s *Source) longTag(b []byte) []byte {
	if len(b) == 0 || b[0] >= 0x80 {
		return b
	}
	n := pick(s.r, 1, 2, 8, 9, 10)
	out := []byte{b[0] | 0x80}
	for range n - 1 {
		out = append(out, 0x80)
	}
	return append(append(out, 0), b[1:]...)
}

// spoilFrame breaks header, authentication or length of a frame.
func (s *Source) spoilFrame(st *Step) {
	r := s.r
	f := st.Frame
	note := func(what string) { st.Faults = append(st.Faults, what) }
	if len(f) < wire.HeaderSize {
		return
	}
	switch r.IntN(14) {
	case 0:
		note("magic")
		f[r.IntN(4)] ^= byte(1 + r.IntN(255))
	case 1:
		note("header size")
		binary.LittleEndian.PutUint16(f[4:], pick[uint16](r, 0, 1, 29, 31, 60, 65535))
		st.Half = true
	case 2:
		note("version")
		f[6+r.IntN(2)] = byte(r.IntN(3))
	case 3:
		note("reserved")
		f[34+r.IntN(2)] = byte(r.IntN(256))
	case 4:
		note("content or accept type")
		f[19+r.IntN(2)] = byte(r.IntN(3))
	case 5:
		note("auth type")
		f[21] = byte(pick(r, 0, 0, 0, 1, 2, 3, 4, 5, 255))
	case 6:
		note("opcode")
		binary.LittleEndian.PutUint32(f[28:], pick[uint32](r, 0, 22, 23, 29, 33, 255, 1<<16, 1<<16+1, 1<<31, uint32(r.IntN(33))))
	case 7:
		note("provider")
		f[10] = byte(pick(r, 0, 1, 2, 3, 4, 5, 6, 255))
	case 8:
		note("ignored fields")
		binary.LittleEndian.PutUint16(f[8:], pick[uint16](r, 0, 2, 3, 255, 0xfffe, 0xffff))
		binary.LittleEndian.PutUint64(f[11:], r.Uint64())
		binary.LittleEndian.PutUint16(f[32:], uint16(r.Uint32()))
	case 9:
		note("body length")
		n := binary.LittleEndian.Uint32(f[22:])
		binary.LittleEndian.PutUint32(f[22:], pick(r, n+1, n-min(n, 1), 0, 1<<20, 1<<20+1, 1<<32-1))
		st.Half = true
	case 10:
		note("auth length")
		binary.LittleEndian.PutUint16(f[26:], pick[uint16](r, 0, 3, 5, 65535))
		st.Half = true
	case 11:
		note("cut frame")
		st.Frame = f[:r.IntN(len(f))]
		st.Half = true
	case 12:
		note("wrong user")
		if binary.LittleEndian.Uint16(f[26:]) == 4 {
			field := f[len(f)-4:]
			switch r.IntN(3) {
			case 0:
				slices.Reverse(field)
			case 1:
				binary.LittleEndian.PutUint32(field, pick(r, s.uids...))
			default:
				binary.LittleEndian.PutUint32(field, r.Uint32())
			}
		}
	default:
		note("trailing bytes")
		st.Frame = append(f, randomBytes(r, 1+r.IntN(50))...)
	}
}
