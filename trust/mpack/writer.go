package mpack

import (
	"math/bits"
	"runtime"

	"github.com/tinylib/msgp/msgp"
)

// Writer collects one value. The zero Writer is ready.
type Writer struct {
	b   []byte
	err error
	// borrows says that large byte strings are not copied: parts are what stands before b[from:].
	borrows bool
	parts   [][]byte
	from    int
}

// borrowed is from which size on a byte string is not copied by a Writer in parts.
const borrowed = 32 << 10

// InParts returns a Writer that collects into buf, grows it where it must, and does not copy large byte strings. Behind the first of those it must not be given secrets: of
// memory that was too small, copies are left.
func InParts(buf []byte) *Writer { return &Writer{b: buf[:0], borrows: true} }

// Parts returns what was written, one part after the other, or the first error. Parts belong to the memory that the Writer was given, whose grown form is returned too,
// and to the byte strings.
func (w *Writer) Parts() (parts [][]byte, buf []byte, err error) {
	if w.err != nil {
		return nil, w.b, w.err
	}
	return append(w.parts, w.b[w.from:]), w.b, nil
}

// Result returns what was written, or the first error. The bytes belong to the caller, who wipes them
// if they hold secrets.
func (w *Writer) Result() ([]byte, error) {
	if w.err != nil {
		w.Wipe()
		return nil, w.err
	}
	return w.b, nil
}

// Fail makes the writer fail, unless it has failed before.
func (w *Writer) Fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Wipe clears what was written.
func (w *Writer) Wipe() {
	clear(w.b[:cap(w.b)])
	runtime.KeepAlive(w.b)
	w.b = nil
}

// head is the longest header of a value.
const head = 9

// grow makes room for a header and n bytes, so that no append of the library leaves a copy behind.
func (w *Writer) grow(n int) {
	n += head
	if cap(w.b)-len(w.b) >= n {
		return
	}
	old := w.b
	w.b = make([]byte, len(old), 2*cap(old)+n+128)
	copy(w.b, old)
	if len(w.parts) > 0 {
		return // they are there
	}
	clear(old)
	runtime.KeepAlive(old)
}

// Nil writes nil.
func (w *Writer) Nil() {
	w.grow(0)
	w.b = msgp.AppendNil(w.b)
}

// Bool writes a boolean.
func (w *Writer) Bool(v bool) {
	w.grow(0)
	w.b = msgp.AppendBool(w.b, v)
}

// Uint writes an unsigned integer in its shortest form.
func (w *Writer) Uint(v uint64) {
	w.grow(0)
	w.b = msgp.AppendUint64(w.b, v)
}

// Int writes an integer in its shortest form, which is the one without a sign where there is none.
func (w *Writer) Int(v int64) {
	if v >= 0 {
		w.Uint(uint64(v))
		return
	}
	w.grow(0)
	w.b = msgp.AppendInt64(w.b, v)
}

// Float64 writes a number of 64 bits.
func (w *Writer) Float64(v float64) {
	w.grow(0)
	w.b = msgp.AppendFloat64(w.b, v)
}

// String writes a text.
func (w *Writer) String(s string) {
	w.grow(len(s))
	w.b = msgp.AppendString(w.b, s)
}

// Bytes writes bytes.
func (w *Writer) Bytes(b []byte) {
	if w.borrows && len(b) >= borrowed {
		w.grow(0)
		w.b = msgp.AppendBytesHeader(w.b, uint32(len(b))) //nolint:gosec // so long is nothing in memory
		w.parts = append(w.parts, w.b[w.from:len(w.b):len(w.b)], b)
		w.from = len(w.b)
		return
	}
	w.grow(len(b))
	w.b = msgp.AppendBytes(w.b, b)
}

// Ext writes an extension of 1, 2, 4, 8 or 16 bytes.
func (w *Writer) Ext(kind int8, data []byte) {
	w.grow(len(data))
	const fixext1 = 0xd4
	switch n := len(data); n {
	case 1, 2, 4, 8, 16:
		w.b = append(w.b, fixext1+byte(bits.TrailingZeros(uint(n))), byte(kind)) //nolint:gosec // types of extensions are signed
		w.b = append(w.b, data...)
	default:
		w.Fail(ErrRange)
	}
}

// Array writes the header of an array.
func (w *Writer) Array(n int) {
	w.grow(0)
	w.b = msgp.AppendArrayHeader(w.b, uint32(n)) //nolint:gosec // so many elements fit in no memory
}

// Map writes the header of a map.
func (w *Writer) Map(n int) {
	w.grow(0)
	w.b = msgp.AppendMapHeader(w.b, uint32(n)) //nolint:gosec // so many elements fit in no memory
}

// StringBytes writes a text that is kept as bytes, because it is a secret.
func (w *Writer) StringBytes(b []byte) {
	w.grow(len(b))
	w.b = msgp.AppendStringFromBytes(w.b, b)
}
