package mpack

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// read decodes with one call and wants everything to be read.
func read[T any](t *testing.T, b []byte, call func(*Reader) T) (T, error) {
	t.Helper()
	r := NewReader(b)
	v := call(r)
	return v, r.End()
}

func TestRefusals(t *testing.T) {
	table := []Field{{Name: "a"}, {Name: "b", Optional: true}}
	structure := func(r *Reader) any {
		fields := r.Struct(table)
		for i := fields.Next(); i >= 0; i = fields.Next() {
			r.Uint8()
		}
		return nil
	}
	deep := bytes.Repeat([]byte{0x91}, MaxDepth)
	for name, c := range map[string]struct {
		in   []byte
		call func(*Reader) any
		want error
	}{
		"nothing":          {nil, func(r *Reader) any { return r.Uint64() }, ErrShort},
		"cut integer":      {[]byte{0xce, 1, 2, 3}, func(r *Reader) any { return r.Uint64() }, ErrShort},
		"negative":         {[]byte{0xff}, func(r *Reader) any { return r.Uint64() }, ErrRange},
		"too large":        {[]byte{0xcd, 1, 0}, func(r *Reader) any { return r.Uint8() }, ErrRange},
		"float":            {[]byte{0xca, 0, 0, 0, 0}, func(r *Reader) any { return r.Uint8() }, ErrType},
		"number for bool":  {[]byte{1}, func(r *Reader) any { return r.Bool() }, ErrType},
		"nil for text":     {[]byte{0xc0}, func(r *Reader) any { return r.String(9) }, ErrType},
		"bytes for text":   {[]byte{0xc4, 1, 'a'}, func(r *Reader) any { return r.String(9) }, ErrType},
		"not UTF-8":        {[]byte{0xa1, 0xff}, func(r *Reader) any { return r.String(9) }, ErrText},
		"long text":        {[]byte{0xa2, 'a', 'b'}, func(r *Reader) any { return r.String(1) }, ErrLimit},
		"long bytes":       {[]byte{0xc4, 2, 1, 2}, func(r *Reader) any { return r.Bytes(1) }, ErrLimit},
		"huge bytes":       {[]byte{0xc6, 0xff, 0xff, 0xff, 0xff, 0}, func(r *Reader) any { return r.Bytes(math.MaxInt) }, ErrShort},
		"huge text":        {[]byte{0xdb, 0x80, 0, 0, 0, 0}, func(r *Reader) any { return r.String(math.MaxInt) }, ErrShort},
		"huge extension":   {[]byte{0xc9, 0xff, 0xff, 0xff, 0xff, 1, 0}, func(r *Reader) any { r.Ext(1, make([]byte, 8)); return nil }, ErrShort},
		"other size":       {[]byte{0xc4, 1, 0}, func(r *Reader) any { r.Fixed(make([]byte, 2)); return nil }, ErrRange},
		"other extension":  {[]byte{0xd4, 2, 0}, func(r *Reader) any { r.Ext(1, make([]byte, 1)); return nil }, ErrType},
		"extension's size": {[]byte{0xd5, 1, 0, 0}, func(r *Reader) any { r.Ext(1, make([]byte, 1)); return nil }, ErrRange},
		"announced array":  {[]byte{0xdd, 0xff, 0xff, 0xff, 0xff}, func(r *Reader) any { return r.Array(math.MaxInt) }, ErrShort},
		"announced map":    {[]byte{0xdf, 0, 0, 0, 2, 0, 0, 0}, func(r *Reader) any { return r.Map(math.MaxInt) }, ErrShort},
		"long array":       {[]byte{0x92, 0, 0}, func(r *Reader) any { return r.Array(1) }, ErrLimit},
		"trailing":         {[]byte{0, 0}, func(r *Reader) any { return r.Uint8() }, ErrTrailing},
		"array for map":    {[]byte{0x91, 1}, structure, ErrType},
		"missing":          {[]byte{0x81, 0xa1, 'b', 1}, structure, ErrMissing},
		"twice":            {[]byte{0x82, 0xa1, 'a', 1, 0xa1, 'a', 1}, structure, ErrDuplicate},
		"number as key":    {[]byte{0x81, 1, 1}, structure, ErrKey},
		"deep unknown":     {append(append([]byte{0x82, 0xa1, 'a', 1, 0xa1, 'x'}, deep...), 0), structure, ErrDepth},
		"cut unknown":      {[]byte{0x82, 0xa1, 'a', 1, 0xa1, 'x', 0xa5, 'a'}, structure, ErrShort},
		"unknown of 2^32":  {[]byte{0x82, 0xa1, 'a', 1, 0xa1, 'x', 0xdf, 0xff, 0xff, 0xff, 0xff}, structure, ErrShort},
		"never used":       {[]byte{0xc1}, func(r *Reader) any { r.Skip(); return nil }, ErrType},
	} {
		if _, err := read(t, c.in, c.call); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestStruct(t *testing.T) {
	table := []Field{{Name: "a"}, {Name: "b", Optional: true}, {Name: "c"}}
	sum := func(open func(*Reader) Fields) func(*Reader) int {
		return func(r *Reader) int {
			total := 0
			fields := open(r)
			for i := fields.Next(); i >= 0; i = fields.Next() {
				total += (i + 1) * int(r.Uint8())
			}
			return total
		}
	}
	asMap := sum(func(r *Reader) Fields { return r.Struct(table) })
	either := sum(func(r *Reader) Fields { return r.StructOrArray(table) })
	for name, c := range map[string]struct {
		in   []byte
		call func(*Reader) int
		want int
	}{
		"in order":        {[]byte{0x83, 0xa1, 'a', 1, 0xa1, 'b', 10, 0xa1, 'c', 100}, asMap, 321},
		"in other order":  {[]byte{0x83, 0xa1, 'c', 100, 0xa1, 'a', 1, 0xa1, 'b', 10}, asMap, 321},
		"optional absent": {[]byte{0x82, 0xa1, 'a', 1, 0xa1, 'c', 100}, asMap, 301},
		"unknown":         {[]byte{0x83, 0xa1, 'x', 0x81, 1, 0x91, 0xc0, 0xa1, 'a', 1, 0xa1, 'c', 100}, asMap, 301},
		"array":           {[]byte{0x93, 1, 10, 100}, either, 321},
		"map":             {[]byte{0x82, 0xa1, 'a', 1, 0xa1, 'c', 100}, either, 301},
	} {
		if got, err := read(t, c.in, c.call); got != c.want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, got, err, c.want)
		}
	}
	if _, err := read(t, []byte{0x92, 1, 10}, either); !errors.Is(err, ErrMissing) {
		t.Errorf("a short array: %v", err)
	}
	if _, err := read(t, []byte{0x94, 1, 10, 100, 0}, either); !errors.Is(err, ErrLimit) {
		t.Errorf("a long array: %v", err)
	}
}

func TestDiscriminant(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"first":   {[]byte{0x82, 0xa1, 't', 0xa1, 'A', 0xa1, 'x', 1}, "A"},
		"last":    {[]byte{0x82, 0xa1, 'x', 1, 0xa1, 't', 0xa1, 'A'}, "A"},
		"array":   {[]byte{0x92, 0xa1, 'A', 1}, "A"},
		"none":    {[]byte{0x81, 0xa1, 'x', 1}, ""},
		"twice":   {[]byte{0x82, 0xa1, 't', 0xa1, 'A', 0xa1, 't', 0xa1, 'A'}, ""},
		"number":  {[]byte{0x81, 0xa1, 't', 1}, ""},
		"nothing": {nil, ""},
	} {
		r := NewReader(c.in)
		if got := r.Discriminant("t"); got != c.want || (r.Err() == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, r.Err(), c.want)
		}
	}
}

// TestFloats: integers are numbers too.
func TestFloats(t *testing.T) {
	for in, want := range map[string]float64{
		"\x07": 7, "\xff": -1, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff": 1 << 64, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00": -1 << 63,
		"\xca\x3f\x80\x00\x00": 1, "\xcb\xbf\xe0\x00\x00\x00\x00\x00\x00": -0.5,
	} {
		if got, err := read(t, []byte(in), (*Reader).Float64); got != want || err != nil {
			t.Errorf("%x: %v, %v, want %v", in, got, err, want)
		}
	}
	if _, err := read(t, []byte("\xa9123456789"), (*Reader).Float64); !errors.Is(err, ErrType) {
		t.Errorf("a text: %v", err)
	}
}

// TestFirstErrorStays: after an error nothing is read, and everything is zero.
func TestFirstErrorStays(t *testing.T) {
	r := NewReader([]byte{0xc0, 1, 0xa1, 'a'})
	if r.Bool() || r.Uint8() != 0 || r.String(9) != "" || r.Array(9) != 0 || r.Nil() {
		t.Error("something was read after an error")
	}
	if err := r.End(); !errors.Is(err, ErrType) {
		t.Errorf("%v is not the first error", err)
	}
}

func TestWriteRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		number := rapid.Uint64().Draw(t, "number")
		w := &Writer{}
		w.Array(5)
		w.String(text)
		w.Bytes(data)
		w.Uint(number)
		w.Bool(number%2 == 0)
		w.Nil()
		b, err := w.Result()
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		if r.Array(5) != 5 || r.String(math.MaxInt) != text || !bytes.Equal(r.Bytes(math.MaxInt), data) ||
			r.Uint64() != number || r.Bool() != (number%2 == 0) || !r.Nil() || r.End() != nil {
			t.Fatalf("%x is read differently: %v", b, r.Err())
		}
		for cut := range b {
			r := NewReader(b[:cut])
			if r.Skip(); r.End() == nil {
				t.Fatalf("%x is accepted", b[:cut])
			}
		}
	})
}

// TestIntegers: a number without a sign is written without one.
func TestIntegers(t *testing.T) {
	for v, want := range map[int64]string{0: "\x00", 127: "\x7f", 200: "\xcc\xc8", 1 << 40: "\xcf\x00\x00\x01\x00\x00\x00\x00\x00", -1: "\xff", -200: "\xd1\xff\x38"} {
		w := &Writer{}
		w.Int(v)
		if b, err := w.Result(); err != nil || string(b) != want {
			t.Errorf("%d is written as %x, want %x, %v", v, b, want, err)
		}
	}
}

func TestWriterFails(t *testing.T) {
	w := &Writer{}
	w.String("secret")
	w.Fail(ErrRange)
	w.Fail(ErrType)
	if b, err := w.Result(); b != nil || !errors.Is(err, ErrRange) {
		t.Errorf("%q, %v", b, err)
	}
}

// FuzzSkip: no value makes the reader panic, and what it skips is bounded by what there is.
func FuzzSkip(f *testing.F) {
	f.Add([]byte{0x82, 0xa1, 'a', 0xd7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xa1, 'b', 0xc4, 1, 0})
	f.Add([]byte{0xc9, 0, 0, 0, 2, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(b)
		r.Discriminant("type")
		if r.Skip(); r.Err() != nil && len(r.rest) > 0 {
			t.Error("something is left after an error")
		}
	})
}

// TestNumbers: the forms that a number may have.
func TestNumbers(t *testing.T) {
	for want, forms := range map[float64][][]byte{
		300: {{0xcb, 0x40, 0x72, 0xc0, 0, 0, 0, 0, 0}, {0xca, 0x43, 0x96, 0, 0}, {0xcd, 0x01, 0x2c}, {0xd1, 0x01, 0x2c}},
		-1:  {{0xff}, {0xcb, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0}},
		// The largest integer is rounded.
		1 << 64: {{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0xcb, 0x43, 0xf0, 0, 0, 0, 0, 0, 0}},
	} {
		for _, b := range forms {
			if got, err := read(t, b, (*Reader).Float64); err != nil || got != want {
				t.Errorf("%x: %v, %v", b, got, err)
			}
		}
	}
	for _, b := range [][]byte{{0xa1, '1'}, {}, {0xcb, 0}, {0xcf, 0}} {
		if got, err := read(t, b, (*Reader).Float64); err == nil {
			t.Errorf("%x: %v", b, got)
		}
		if got, err := read(t, b, (*Reader).Int64); err == nil {
			t.Errorf("%x: %v", b, got)
		}
	}
	if got, err := read(t, []byte{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, (*Reader).Int64); !errors.Is(err, ErrRange) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestExtensions: an extension is written in its short form and read in all of them.
func TestExtensions(t *testing.T) {
	content := []byte("0123456789abcdef")
	for _, n := range []int{1, 2, 4, 8, 16} {
		w := &Writer{}
		w.Ext(-3, content[:n])
		written, err := w.Result()
		if err != nil || len(written) != n+2 {
			t.Fatalf("%d: %x, %v", n, written, err)
		}
		for _, head := range [][]byte{written[:2], {0xc7, byte(n), 0xfd}, {0xc8, 0, byte(n), 0xfd}, {0xc9, 0, 0, 0, byte(n), 0xfd}} {
			got := make([]byte, n)
			b := append(bytes.Clone(head), content[:n]...)
			if _, err := read(t, b, func(r *Reader) any { r.Ext(-3, got); return nil }); err != nil || !bytes.Equal(got, content[:n]) {
				t.Errorf("%x: %x, %v", b, got, err)
			}
			for cut := range b {
				if _, err := read(t, b[:cut], func(r *Reader) any { r.Ext(-3, got); return nil }); !errors.Is(err, ErrShort) {
					t.Errorf("%x: %v", b[:cut], err)
				}
			}
		}
	}
	w := &Writer{}
	w.Ext(1, content[:3])
	if _, err := w.Result(); !errors.Is(err, ErrRange) {
		t.Error(err)
	}
}
