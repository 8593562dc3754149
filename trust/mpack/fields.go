package mpack

import (
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"
)

// Field is a field of a structure.
type Field struct {
	Name string
	// Optional says that the key may be absent. Whether nil may stand there is the codec's matter.
	Optional bool
}

// MaxFields is how many fields a structure may have.
const MaxFields = 64

// Fields walks over the fields of a structure as they come.
type Fields struct {
	r          *Reader
	table      []Field
	left, next int
	seen       uint64
	positional bool
	outer      string
}

// Struct reads the header of a map that has the fields of the table.
func (r *Reader) Struct(table []Field) Fields {
	return Fields{r: r, table: table, left: r.Map(math.MaxInt), outer: r.field}
}

// StructOrArray is Struct, and takes an array of the fields in the order of the table as well:
// files of the first versions have that form. Optional fields at the end may be absent.
func (r *Reader) StructOrArray(table []Field) Fields {
	if msgp.NextType(r.rest) != msgp.ArrayType {
		return r.Struct(table)
	}
	return Fields{r: r, table: table, left: r.Array(len(table)), outer: r.field, positional: true}
}

// Next returns the index of the next field, whose value must be read then, or -1 at the end.
// Fields that the table does not name are passed over.
func (f *Fields) Next() int {
	for f.left > 0 && f.r.err == nil {
		f.left--
		if i := f.key(); i >= 0 {
			return i
		}
	}
	f.end()
	return -1
}

// key reads a key and finds it; the fields usually come in the order of the table.
func (f *Fields) key() int {
	i := f.next
	if !f.positional {
		f.r.field = f.outer
		if len(f.r.rest) > 0 && !f.r.IsText() {
			f.r.Fail(ErrKey)
			return -1
		}
		key := f.r.text()
		if f.r.err != nil {
			return -1
		}
		if i >= len(f.table) || f.table[i].Name != string(key) {
			i = f.find(string(key))
		}
		if i < 0 {
			f.r.Skip()
			return -1
		}
	}
	f.r.field = f.table[i].Name
	if f.seen&(1<<i) != 0 {
		f.r.Fail(ErrDuplicate)
		return -1
	}
	f.seen |= 1 << i
	f.next = i + 1
	return i
}

func (f *Fields) find(name string) int {
	for i := range f.table {
		if f.table[i].Name == name {
			return i
		}
	}
	return -1
}

// end looks for fields that did not come.
func (f *Fields) end() {
	f.r.field = f.outer
	for i, field := range f.table {
		if f.r.err == nil && !field.Optional && f.seen&(1<<i) == 0 {
			f.r.Fail(fmt.Errorf("%w: %s", ErrMissing, field.Name))
		}
	}
}

// Has reports whether a field came.
func (f *Fields) Has(i int) bool { return f.seen&(1<<i) != 0 }

// Const reads a string that must be the given one.
func (r *Reader) Const(want string) {
	if got := r.text(); r.err == nil && string(got) != want {
		r.Fail(fmt.Errorf("%w: %q", ErrType, want))
	}
}

// Discriminant looks at the string that a field of the structure at hand has, without reading
// anything: the kind of a structure is known before its other fields are read, wherever it
// stands. The reader fails if there is none.
func (r *Reader) Discriminant(name string) string {
	ahead := *r
	if msgp.NextType(ahead.rest) == msgp.ArrayType {
		kind := ""
		if ahead.Array(MaxFields) > 0 {
			kind = ahead.String(MaxName)
		}
		if ahead.err != nil {
			*r = ahead
		}
		return kind
	}
	fields := ahead.Struct([]Field{{Name: name}})
	kind := ""
	for fields.Next() >= 0 {
		kind = ahead.String(MaxName)
	}
	if ahead.err != nil {
		*r = ahead
		return ""
	}
	return kind
}

// MaxName is the length of the longest discriminant, and of the longest text of an enumeration.
const MaxName = 64

// Unknown makes the reader fail at a variant or value that nobody knows.
func (r *Reader) Unknown(what, name string) { r.Fail(fmt.Errorf("%w: %s %q", ErrType, what, name)) }

// Read reads a new value with its decoder.
func Read[T any](r *Reader, decode func(*Reader, *T)) *T {
	v := new(T)
	decode(r, v)
	return v
}
