package frame

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
)

const (
	// MaxSize is the length in bytes of the largest frame, without its length field.
	MaxSize = 4 << 20
	// maxItems bounds every list.
	maxItems = 8192
)

// ErrMalformed is what every error of decoding wraps.
var ErrMalformed = errors.New("malformed frame")

// The encoding is little-endian; a byte string is a 32-bit length and its bytes, a list a
// 32-bit count and its items.

func appendBytes(b, v []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(v))), v...) //nolint:gosec // bounded by MaxSize when the frame is written
}

func appendString(b []byte, v string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(v))), v...) //nolint:gosec // as above
}

func appendList[T any](b []byte, items []T, add func([]byte, T) []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(items))) //nolint:gosec // as above
	for _, v := range items {
		b = add(b, v)
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendAttribute(b []byte, a Attribute) []byte {
	b = append(binary.LittleEndian.AppendUint64(b, a.Type), byte(a.Kind))
	switch a.Kind {
	case KindBytes:
		return appendBytes(b, a.Bytes)
	case KindBool:
		return appendBool(b, a.Bool)
	case KindNumber:
		return binary.LittleEndian.AppendUint64(b, a.Number)
	case KindNumbers:
		return appendList(b, a.Numbers, binary.LittleEndian.AppendUint64)
	default:
		return b
	}
}

func appendMechanism(b []byte, m Mechanism) []byte {
	b = append(binary.LittleEndian.AppendUint64(b, m.Type), byte(m.Parameter))
	for _, n := range []uint64{m.Hash, m.MGF, m.Number} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return appendBytes(appendBytes(b, m.Bytes), m.Extra)
}

func appendSlot(b []byte, s Slot) []byte {
	b = binary.LittleEndian.AppendUint64(b, s.ID)
	b = appendBool(appendString(b, s.Description), s.Present)
	for _, text := range []string{s.Token.Label, s.Token.Manufacturer, s.Token.Model, s.Token.Serial} {
		b = appendString(b, text)
	}
	t := s.Token
	for _, n := range []uint64{t.Flags, t.MaxSessions, t.MaxRWSessions, t.MinPIN, t.MaxPIN, uint64(s.Result)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func appendMechanismInfo(b []byte, m MechanismInfo) []byte {
	for _, n := range []uint64{m.Type, m.Min, m.Max, m.Flags} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// reader takes fields from the front of b. The first failure sticks.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
	}
	r.b = nil
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n > len(r.b) {
		r.fail("it ends inside a field")
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) u8() uint8 {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if v := r.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (r *reader) bool() bool {
	switch v := r.u8(); v {
	case 0, 1:
		return v == 1
	default:
		r.fail("%d is no truth value", v)
		return false
	}
}

// bytes returns a part of the frame itself, nil when it is empty.
func (r *reader) bytes() []byte {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.fail("%d bytes are announced, %d follow", n, len(r.b))
		return nil
	}
	if n == 0 {
		return nil
	}
	return r.take(int(n))
}

func (r *reader) string() string { return string(r.bytes()) }

// list reads items of which each takes at least size bytes.
func list[T any](r *reader, size int, read func() T) []T {
	n := r.u32()
	if n > maxItems || uint64(n)*uint64(size) > uint64(len(r.b)) { //nolint:gosec // size is a constant
		r.fail("a list of %d items does not fit", n)
		return nil
	}
	if n == 0 {
		return nil
	}
	items := make([]T, 0, n)
	for range n {
		items = append(items, read())
	}
	return items
}

func (r *reader) attribute() Attribute {
	a := Attribute{Type: r.u64(), Kind: Kind(r.u8())}
	switch a.Kind {
	case KindAbsent:
	case KindBytes:
		a.Bytes = r.bytes()
	case KindBool:
		a.Bool = r.bool()
	case KindNumber:
		a.Number = r.u64()
	case KindNumbers:
		a.Numbers = list(r, 8, r.u64)
	default:
		r.fail("%d is no kind of attribute", a.Kind)
	}
	return a
}

func (r *reader) attributes() []Attribute { return list(r, 9, r.attribute) }

func (r *reader) mechanism() Mechanism {
	m := Mechanism{Type: r.u64(), Parameter: Parameter(r.u8())}
	if m.Parameter >= parameterEnd {
		r.fail("%d is no kind of parameter", m.Parameter)
	}
	m.Hash, m.MGF, m.Number = r.u64(), r.u64(), r.u64()
	m.Bytes, m.Extra = r.bytes(), r.bytes()
	return m
}

func (r *reader) slot() Slot {
	s := Slot{ID: r.u64(), Description: r.string(), Present: r.bool()}
	t := &s.Token
	t.Label, t.Manufacturer, t.Model, t.Serial = r.string(), r.string(), r.string(), r.string()
	t.Flags, t.MaxSessions, t.MaxRWSessions, t.MinPIN, t.MaxPIN = r.u64(), r.u64(), r.u64(), r.u64(), r.u64()
	s.Result = ck.RV(r.u64())
	return s
}

func (r *reader) mechanismInfo() MechanismInfo {
	return MechanismInfo{Type: r.u64(), Min: r.u64(), Max: r.u64(), Flags: r.u64()}
}

func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes follow it", len(r.b))
	}
	return r.err
}
