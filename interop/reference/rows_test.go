package reference

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// difference is something that one side accepted and the other refused, or that both read differently.
type difference struct {
	kind    string
	data    []byte
	content []byte
	// ours is why we refuse, nil if we do not.
	ours error
	// theirs is what the reference read, written again, and refused why it did not.
	theirs  []byte
	refused string
}

// is reports whether we refuse for one of these reasons.
func (d *difference) is(reasons ...error) bool {
	return slices.ContainsFunc(reasons, func(reason error) bool { return errors.Is(d.ours, reason) })
}

// unassigned reports whether there are characters that Go's tables do not have.
func (d *difference) unassigned() bool {
	text := d.data
	if d.content != nil {
		text = d.content
	}
	return bytes.ContainsFunc(text, func(c rune) bool { return unicode.Is(unicode.Cn, c) })
}

// took reports whether the reference took a value of one kind for one of another.
func (d *difference) took(read, theirs func(*node) bool) bool {
	a, _, err := parse(d.content)
	b, _, wrong := parse(d.theirs)
	return d.is(mpack.ErrType, trust.ErrName) && err == nil && wrong == nil && took(a, b, read, theirs)
}

func took(a, b *node, read, theirs func(*node) bool) bool {
	if read(a) && theirs(b) {
		return true
	}
	for i, kid := range b.kids {
		var at *node
		switch {
		case b.isArray && a.isArray && i < len(a.kids):
			at = a.kids[i]
		case b.isMap && a.isMap && i%2 == 1:
			at = a.value(b.kids[i-1])
		}
		if at != nil && took(at, kid, read, theirs) {
			return true
		}
	}
	return false
}

// bytesForName reports whether bytes stand for a key, or for a status that the reference does not write again.
func (d *difference) bytesForName() bool {
	root, _, err := parse(d.content)
	if err != nil || !d.is(mpack.ErrType, mpack.ErrKey) {
		return false
	}
	status := root.value(&node{raw: []byte("\xa6status")})
	return status != nil && isBytes(status) || slices.ContainsFunc(root.all(), func(n *node) bool {
		for i := 0; n.isMap && i < len(n.kids); i += 2 {
			if isBytes(n.kids[i]) {
				return true
			}
		}
		return false
	})
}

// unknownAsArray reports whether an array was read as a status that is not known, which the reference does not write again.
func (d *difference) unknownAsArray() bool {
	read, _, err := parse(d.content)
	return err == nil && read.isArray && d.is(mpack.ErrType) && bytes.HasPrefix(d.theirs, []byte("unknown status"))
}

func isArray(n *node) bool { return n.isArray }
func isMap(n *node) bool   { return n.isMap }
func isText(n *node) bool  { return n.isString }
func isBytes(n *node) bool { return len(n.raw) > 0 && n.raw[0] >= 0xc4 && n.raw[0] <= 0xc6 }
func isNumber(n *node) bool {
	return len(n.raw) > 0 && (n.raw[0] < 0x80 || n.raw[0] >= 0xcc && n.raw[0] <= 0xd3 || n.raw[0] >= 0xe0)
}

// row is a row of the first table of the decision: the input that only the reference accepts.
type row struct {
	input   string
	explain func(*difference) bool
}

var rows = []row{
	{"bytes after a value", func(d *difference) bool { return d.is(mpack.ErrTrailing) }},
	{"a map or set with equal keys", func(d *difference) bool { return d.is(mpack.ErrDuplicate) }},
	{"a number as the key of a field", func(d *difference) bool { return d.is(mpack.ErrKey) }},
	{"a number or a map for a profile, role, purpose or type", func(d *difference) bool {
		return d.took(isNumber, isText) || d.took(isMap, isText)
	}},
	{"bytes for a text or an empty list, an array of numbers for bytes", func(d *difference) bool {
		return d.took(isBytes, isText) || d.took(isBytes, isArray) || d.took(isArray, isBytes) || d.bytesForName()
	}},
	{"a key of a map that is not UTF-8", func(d *difference) bool { return d.is(mpack.ErrText) }},
	{"a user or device certificate without an author, or with one of zeros", func(d *difference) bool {
		var unexpected *trust.UnexpectedError
		zeros := errors.As(d.ours, &unexpected) && unexpected.Field == "author" && bytes.Contains(d.content, noAuthor)
		missing := d.is(mpack.ErrMissing) && strings.HasSuffix(d.ours.Error(), ": author")
		return (zeros || missing) && (d.kind == "user_certificate" || d.kind == "device_certificate")
	}},
	{"a command without fields, with one", func(d *difference) bool {
		return strings.Contains(d.refused, "invalid type: map, expected unit struct")
	}},
	{"a structure as an array, outside of device files", func(d *difference) bool { return d.took(isArray, isMap) || d.unknownAsArray() }},
	{"how far back a compressed certificate refers", func(d *difference) bool {
		return d.is(trust.ErrCompression) && strings.HasSuffix(d.kind, "_certificate") && strings.Contains(d.ours.Error(), "window size exceeded")
	}},
	{"decompressed size, or what a frame announces of it", func(d *difference) bool { return d.is(trust.ErrCompression) }},
	{"a text, bytes or a list longer than anybody writes", func(d *difference) bool { return d.is(mpack.ErrLimit) }},
	{"depth of a field that nobody knows", func(d *difference) bool { return d.is(mpack.ErrDepth) }},
	{"a block of a file that ends beyond 2^64", func(d *difference) bool {
		return d.is(trust.ErrIntegrity) && d.kind == "file_manifest" && strings.HasSuffix(d.ours.Error(), "ends beyond all files")
	}},
	{"key of small order, or not canonical, in a device certificate", func(d *difference) bool {
		return d.is(trust.ErrWeakKey) && d.kind == "device_certificate"
	}},
	{"RSA keys", func(d *difference) bool { return d.is(trust.ErrNotRSA) }},
	{"a text that is not normalised, with characters newer than Unicode 15", func(d *difference) bool {
		return d.unassigned() && (d.ours == nil && d.refused == "" || d.is(trust.ErrText))
	}},
	{"a moment as a text, in a form that RFC 3339 does not have", func(d *difference) bool { return d.kind == "date and time" && d.is(trust.ErrDateTime) }},
	{"an address with other than `//` after its scheme", func(d *difference) bool {
		return strings.HasSuffix(d.kind, "address") && d.is(trust.ErrURL) && oddSlashes(string(d.data))
	}},
	{"an id with `{…}` or `urn:uuid:` around it, as a text", func(d *difference) bool {
		return d.is(trust.ErrID) && (bytes.HasPrefix(d.data, []byte("{")) || bytes.HasPrefix(bytes.ToLower(d.data), []byte("urn:uuid:")))
	}},
}

// noAuthor is the field author with an id of zeros.
var noAuthor = append([]byte("\xa6author\xd8\x02"), make([]byte, 16)...)

// explained returns the row of a difference, nil if there is none.
func explained(d *difference) *row {
	for i := range rows {
		if rows[i].explain(d) {
			return &rows[i]
		}
	}
	return nil
}

// oddSlashes reports whether there are not two slashes behind the scheme of an address.
func oddSlashes(s string) bool {
	s = strings.NewReplacer("\t", "", "\n", "").Replace(s)
	_, rest, _ := strings.Cut(s, ":")
	return !strings.HasPrefix(rest, "//") || strings.HasPrefix(rest, "///") || strings.HasPrefix(rest, `//\`)
}

const decision = "../../docs/decisions/0042-stricter-than-the-reference.md"

// TestTableIsTheDecision holds the rows here to those that people read, one way and the other.
func TestTableIsTheDecision(t *testing.T) {
	b, err := os.ReadFile(decision)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Reading\n")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := []string{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 6 && !strings.HasPrefix(cells[1], "---") && strings.TrimSpace(cells[1]) != "Input" {
			documented = append(documented, strings.TrimSpace(cells[1]))
		}
	}
	for _, r := range rows {
		if !slices.Contains(documented, r.input) {
			t.Errorf("%s has no row %q", decision, r.input)
		}
	}
	if len(documented) != len(rows) {
		t.Errorf("%s has %d rows, the test %d: %q", decision, len(documented), len(rows), documented)
	}
}
