package mpack

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Reader reads one value from memory.
type Reader struct {
	rest  []byte
	err   error
	field string
}

// NewReader returns a reader of b, which must not change while it is used.
func NewReader(b []byte) *Reader { return &Reader{rest: b} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes the reader fail for a reason of the caller's, unless it has failed before.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = &Error{Field: r.field, Err: err}
		r.rest = nil
	}
}

// End returns the first error; bytes that nobody read are one.
func (r *Reader) End() error {
	if len(r.rest) > 0 {
		r.field = ""
		r.Fail(ErrTrailing)
	}
	return r.err
}

// done takes over what a primitive left, or its error as one of ours.
func (r *Reader) done(rest []byte, err error) bool {
	if err == nil {
		r.rest = rest
		return true
	}
	var below msgp.UintBelowZero
	var over msgp.UintOverflow
	var overInt msgp.IntOverflow
	switch {
	case errors.Is(err, msgp.ErrShortBytes):
		r.Fail(ErrShort)
	case errors.As(err, &below), errors.As(err, &over), errors.As(err, &overInt):
		r.Fail(ErrRange)
	default:
		r.Fail(ErrType)
	}
	return false
}

// fits looks at a 32-bit length before a primitive does: on 32-bit machines the library
// would take it for a negative number.
func (r *Reader) fits() bool {
	const bin32, ext32, str32 = 0xc6, 0xc9, 0xdb
	if len(r.rest) == 0 {
		r.Fail(ErrShort)
		return false
	}
	switch r.rest[0] {
	case bin32, ext32, str32:
		if len(r.rest) < 5 || uint64(binary.BigEndian.Uint32(r.rest[1:])) > uint64(len(r.rest)) {
			r.Fail(ErrShort)
			return false
		}
	}
	return true
}

// Nil reads nil and reports true, or reads nothing and reports false.
func (r *Reader) Nil() bool {
	if !msgp.IsNil(r.rest) {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// Bool reads a boolean.
func (r *Reader) Bool() bool {
	v, rest, err := msgp.ReadBoolBytes(r.rest)
	return r.done(rest, err) && v
}

// Uint reads an unsigned integer up to limit, in any of its forms.
func (r *Reader) Uint(limit uint64) uint64 {
	v, rest, err := msgp.ReadUint64Bytes(r.rest)
	if !r.done(rest, err) {
		return 0
	}
	if v > limit {
		r.Fail(ErrRange)
		return 0
	}
	return v
}

// Uint8 reads an unsigned integer of 8 bits.
func (r *Reader) Uint8() uint8 { return uint8(r.Uint(math.MaxUint8)) } //nolint:gosec // was compared with the limit

// Uint32 reads an unsigned integer of 32 bits.
func (r *Reader) Uint32() uint32 { return uint32(r.Uint(math.MaxUint32)) } //nolint:gosec // was compared with the limit

// Uint64 reads an unsigned integer of 64 bits.
func (r *Reader) Uint64() uint64 { return r.Uint(math.MaxUint64) }

// Int64 reads an integer of 64 bits, in any of its forms.
func (r *Reader) Int64() int64 {
	v, rest, err := msgp.ReadInt64Bytes(r.rest)
	if !r.done(rest, err) {
		return 0
	}
	return v
}

// Float64 reads a number of 64 bits, or of 32, or an integer, as other readers do.
func (r *Reader) Float64() float64 {
	switch msgp.NextType(r.rest) {
	case msgp.UintType:
		return float64(r.Uint64())
	case msgp.IntType:
		return float64(r.Int64())
	default:
		v, rest, err := msgp.ReadFloat64Bytes(r.rest)
		if !r.done(rest, err) {
			return 0
		}
		return v
	}
}

// IsText reports whether a text is next.
func (r *Reader) IsText() bool { return msgp.NextType(r.rest) == msgp.StrType }

// IsBytes reports whether bytes are next.
func (r *Reader) IsBytes() bool { return msgp.NextType(r.rest) == msgp.BinType }

// text reads a string without copying it.
func (r *Reader) text() []byte {
	if !r.fits() {
		return nil
	}
	v, rest, err := msgp.ReadStringZC(r.rest)
	if !r.done(rest, err) {
		return nil
	}
	if !utf8.Valid(v) {
		r.Fail(ErrText)
		return nil
	}
	return v
}

// Text reads a text of at most limit bytes. What it returns is part of the input: copy what is kept.
func (r *Reader) Text(limit int) []byte {
	v := r.text()
	if len(v) > limit {
		r.Fail(ErrLimit)
		return nil
	}
	return v
}

// String reads a text of at most limit bytes.
func (r *Reader) String(limit int) string { return string(r.Text(limit)) }

// Bytes reads at most limit bytes. What it returns is part of the input: copy what is kept.
// A string is read as bytes too, as other readers do.
func (r *Reader) Bytes(limit int) []byte {
	if !r.fits() {
		return nil
	}
	read := msgp.ReadBytesZC
	if r.IsText() {
		read = msgp.ReadStringZC
	}
	v, rest, err := read(r.rest)
	if !r.done(rest, err) {
		return nil
	}
	if len(v) > limit {
		r.Fail(ErrLimit)
		return nil
	}
	return v
}

// Fixed reads bytes of exactly the length of into.
func (r *Reader) Fixed(into []byte) {
	v := r.Bytes(math.MaxInt)
	if r.err == nil && len(v) != len(into) {
		r.Fail(ErrRange)
		return
	}
	copy(into, v)
}

// Ext reads an extension of the given type with exactly the length of into.
func (r *Reader) Ext(kind int8, into []byte) {
	if !r.fits() {
		return
	}
	size, head := extHeader(r.rest)
	switch {
	case head == 0:
		r.Fail(ErrType)
	case len(r.rest) < head+size:
		r.Fail(ErrShort)
	case int8(r.rest[head-1]) != kind: //nolint:gosec // types of extensions are signed
		r.Fail(ErrType)
	case size != len(into):
		r.Fail(ErrRange)
	default:
		r.rest = r.rest[head+copy(into, r.rest[head:head+size]):]
	}
}

// extHeader returns the size of an extension and that of its header with the type; the header has no size if there is no extension. The library's own way
// allocates, and keys of maps are extensions.
func extHeader(b []byte) (size, head int) {
	const fixext1, fixext16, ext8, ext16, ext32 = 0xd4, 0xd8, 0xc7, 0xc8, 0xc9
	switch c := b[0]; {
	case c >= fixext1 && c <= fixext16:
		return 1 << (c - fixext1), 2
	case c == ext8 && len(b) > 1:
		return int(b[1]), 3
	case c == ext16 && len(b) > 2:
		return int(binary.BigEndian.Uint16(b[1:])), 4
	case c == ext32: // fits has looked at it
		return int(binary.BigEndian.Uint32(b[1:])), 6
	case c == ext8 || c == ext16:
		return 0, len(b) + 1 // cut off
	}
	return 0, 0
}

// Array reads the header of an array of at most limit elements.
func (r *Reader) Array(limit int) int {
	n, rest, err := msgp.ReadArrayHeaderBytes(r.rest)
	if !r.done(rest, err) {
		return 0
	}
	return r.count(n, 1, limit)
}

// Map reads the header of a map of at most limit entries.
func (r *Reader) Map(limit int) int {
	n, rest, err := msgp.ReadMapHeaderBytes(r.rest)
	if !r.done(rest, err) {
		return 0
	}
	return r.count(n, 2, limit)
}

// count checks an announced number of elements, each of at least size bytes.
func (r *Reader) count(n uint32, size uint64, limit int) int {
	switch {
	case uint64(n)*size > uint64(len(r.rest)):
		r.Fail(ErrShort)
		return 0
	case int64(n) > int64(limit):
		r.Fail(ErrLimit)
		return 0
	}
	return int(n)
}

// Prealloc is how many elements a codec makes room for before it has read them.
const Prealloc = 1024
