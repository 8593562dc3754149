// Package show writes the fields of the objects of package trust as texts for people, under the names that they have on the
// wire. It knows the objects by the tags that their codecs are made from, and by how their types print: secrets print as a redaction.
// Bytes are shown by length and digest, for what they hold may be encrypted.
//
// Texts are safe for a terminal: what is not printable is escaped, and then the text stands in quotes as Go writes it.
package show

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Field is one fact about an object.
type Field struct{ Name, Value string }

// maxText is the longest text that is shown whole, in bytes.
const maxText = 1024

// None stands where there is nothing.
const None = "(none)"

// Of returns the fields of a structure that has a codec, in the order of its definition. Elements of lists follow each other under one name.
func Of(object any) []Field {
	d := describer{}
	d.structure("", reflect.ValueOf(object))
	return d.fields
}

// Bytes is what is shown of bytes.
func Bytes(b []byte) string {
	sum := sha256.Sum256(b)
	return fmt.Sprintf("%d bytes, SHA-256 %s", len(b), hex.EncodeToString(sum[:]))
}

// Text is what is shown of a text of others. One that begins with a quote is quoted.
func Text(s string) string {
	whole := len(s)
	if whole > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	if quoted := strconv.Quote(s); quoted != `"`+s+`"` {
		s = quoted
	}
	if whole > maxText {
		s += fmt.Sprintf(" … (%d bytes)", whole)
	}
	return s
}

// Line is a sentence of ours with texts of others in it, of which what is not printable is escaped.
func Line(s string) string {
	b := strings.Builder{}
	for _, c := range s {
		if b.Len() > maxText {
			b.WriteString(" …")
			break
		}
		if strconv.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return b.String()
}

type describer struct{ fields []Field }

func (d *describer) add(name, value string) { d.fields = append(d.fields, Field{name, value}) }

// typed is a structure that says on the wire what it is.
type typed interface{ Type() string }

// structure adds the fields of a structure under a prefix.
func (d *describer) structure(prefix string, v reflect.Value) {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, constant := tag(f)
		switch {
		case constant != "":
			d.add(prefix+name, constant)
		case f.Anonymous:
			d.structure(prefix, v.Field(i))
		case !f.IsExported():
		case name != "":
			d.value(prefix+name, name, v.Field(i))
		case f.Type.Kind() == reflect.Pointer && !v.Field(i).IsNil(): // a variant: one of several is there
			d.nested(prefix, v.Field(i))
		}
	}
}

// nested adds a structure inside of another.
func (d *describer) nested(prefix string, v reflect.Value) {
	if v.Kind() != reflect.Pointer && v.CanAddr() {
		v = v.Addr()
	}
	if o, ok := reflect.TypeAssert[typed](v); ok {
		d.add(prefix+"type", o.Type())
	}
	d.structure(prefix, v)
}

// tag returns the name on the wire, and the text that always stands there.
func tag(f reflect.StructField) (name, constant string) {
	name, options, _ := strings.Cut(f.Tag.Get("mp"), ",")
	if text, ok := strings.CutPrefix(options, "const="); ok {
		constant = text
	}
	return name, constant
}

// web is an address that has a form for the web, which is the one that serialised data has.
type web interface{ HTTP() string }

// value adds one field; key is its name without a prefix.
func (d *describer) value(name, key string, v reflect.Value) {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) && v.IsNil() {
		d.add(name, None)
		return
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if s, ok := reflect.TypeAssert[web](v); ok {
		d.add(name, Text(s.HTTP()))
		return
	}
	if s, ok := reflect.TypeAssert[fmt.Stringer](v); ok {
		d.add(name, Text(s.String()))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.nested(name+".", v)
	case reflect.Map:
		d.entries(name, key, v)
	case reflect.Slice:
		if b, ok := reflect.TypeAssert[[]byte](v); ok {
			d.add(name, content(key, b))
			return
		}
		for i := range v.Len() {
			d.value(name, key, v.Index(i))
		}
	case reflect.Array:
		d.add(name, fmt.Sprintf("%x", v.Interface()))
	case reflect.String:
		d.add(name, Text(v.String()))
	default:
		d.add(name, Text(fmt.Sprint(v.Interface())))
	}
}

// entries adds a map, or a set, in the order of its keys.
func (d *describer) entries(name, key string, v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, k := range keys {
		if element := v.MapIndex(k); element.Kind() == reflect.Struct && element.NumField() == 0 {
			d.value(name, key, k)
		} else {
			d.value(name+"."+Text(fmt.Sprint(k)), key, element)
		}
	}
}
