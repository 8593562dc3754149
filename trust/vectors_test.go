package trust

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// vector is an entry of testdata/parsec-cloud-data.json.
type vector struct {
	ID    string          `json:"id"`
	Op    string          `json:"op"`
	In    inputs          `json:"in"`
	Out   json.RawMessage `json:"out"`
	Error string          `json:"error"`
}

// inputs are what a vector goes in with.
type inputs map[string]json.RawMessage

func (in inputs) text(name string) string {
	s := ""
	if raw, ok := in[name]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			panic(err)
		}
	}
	return s
}

func (in inputs) bytes(name string) []byte {
	b, err := hex.DecodeString(in.text(name))
	if err != nil {
		panic(err)
	}
	return b
}

func (in inputs) number(name string) int64 {
	n := int64(0)
	if err := json.Unmarshal(in[name], &n); err != nil {
		panic(err)
	}
	return n
}

func (in inputs) has(name string) bool { _, ok := in[name]; return ok }

// runner runs the vectors of one operation; it returns what out is compared with, as JSON.
type runner func(v *vector) (any, error)

// notBuilt are operations of parts that do not exist yet; a vector of any other must have a runner.
var notBuilt = map[string]string{
	"rsa_pkcs1v15_unprefixed": "only the smart-card web connector needs it",
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("../testdata/parsec-cloud-data.json")
	if err != nil {
		t.Fatal(err)
	}
	file := struct {
		Vectors []vector `json:"vectors"`
	}{}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) != 388 {
		t.Fatalf("%d vectors", len(file.Vectors))
	}
	return file.Vectors
}

func TestVectors(t *testing.T) {
	run := runners()
	count := 0
	for _, v := range vectors(t) {
		if _, ok := notBuilt[v.Op]; ok {
			continue
		}
		if _, ok := notBuilt[v.ID]; ok {
			continue
		}
		count++
		t.Run(v.ID, func(t *testing.T) {
			r, ok := run[v.Op]
			if !ok {
				t.Fatalf("nothing runs %s", v.Op)
			}
			got, err := r(&v)
			compare(t, &v, got, err)
		})
	}
	t.Logf("%d vectors", count)
}

func compare(t *testing.T, v *vector, got any, err error) {
	t.Helper()
	if v.Error != "" {
		if err == nil {
			t.Fatalf("accepted, must fail: %s", v.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if plain, ok := got.(plaintext); ok {
		plain.compare(t, v.Out)
		return
	}
	if f, ok := got.(file); ok {
		f.compare(t)
		return
	}
	b, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if want := compact(t, v.Out); compactBytes(t, b) != want {
		t.Errorf("%s, want %s", b, want)
	}
}

// compact is JSON with sorted keys.
func compact(t *testing.T, raw json.RawMessage) string { t.Helper(); return compactBytes(t, raw) }

func compactBytes(t *testing.T, raw []byte) string {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// plaintext is what an object was read from, and what writing it again gives.
type plaintext struct{ read, written []byte }

// compare holds the object against its description: the description in MessagePack is what was read,
// and what was written is the same but for the order of maps that have none.
func (p plaintext) compare(t *testing.T, out json.RawMessage) {
	t.Helper()
	w := &mpack.Writer{}
	described(t, w, json.NewDecoder(bytes.NewReader(out)))
	want, err := w.Result()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.read, want) {
		t.Errorf("the vector contradicts itself:\n%x\n%x", p.read, want)
	}
	if bytes.Contains(want, []byte("uris")) {
		return // a former field, which is read by nobody and not written
	}
	if !bytes.Equal(p.written, want) && !sameUnordered(p.written, want) {
		t.Errorf("written again\n%x, want\n%x", p.written, want)
	}
}

// sameUnordered compares what remains equal when maps and sets are written in another order.
func sameUnordered(a, b []byte) bool {
	if !bytes.Contains(b, []byte("per_recipient_shares")) && !bytes.Contains(b, []byte("children")) {
		return false
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return bytes.Equal(a, b)
}

// described writes the description of a value in MessagePack, in the order of the description.
func described(t *testing.T, w *mpack.Writer, d *json.Decoder) {
	t.Helper()
	d.UseNumber()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case nil:
		w.Nil()
	case bool:
		w.Bool(v)
	case string:
		w.String(v)
	case json.Number:
		n := uint64(0)
		if err := json.Unmarshal([]byte(v), &n); err != nil {
			t.Fatal(err)
		}
		w.Uint(n)
	case json.Delim:
		elements := elementsOf(t, d, v)
		if v == '[' {
			w.Array(len(elements))
		} else if described, ok := special(t, elements); ok {
			described(w)
			return
		} else {
			w.Map(len(elements))
		}
		for _, e := range elements {
			if v == '{' {
				w.String(e.key)
			}
			describedValue(t, w, e.value)
		}
	}
}

func describedValue(t *testing.T, w *mpack.Writer, raw json.RawMessage) {
	t.Helper()
	described(t, w, json.NewDecoder(bytes.NewReader(raw)))
}

type element struct {
	key   string
	value json.RawMessage
}

func elementsOf(t *testing.T, d *json.Decoder, open json.Delim) []element {
	t.Helper()
	elements := []element{}
	for d.More() {
		e := element{}
		if open == '{' {
			key, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			e.key = fmt.Sprint(key)
		}
		if err := d.Decode(&e.value); err != nil {
			t.Fatal(err)
		}
		elements = append(elements, e)
	}
	return elements
}

// special are the objects that stand for values that JSON lacks.
func special(t *testing.T, elements []element) (func(*mpack.Writer), bool) {
	t.Helper()
	if len(elements) != 1 || !strings.HasPrefix(elements[0].key, "$") {
		return nil, false
	}
	value := elements[0].value
	in := inputs{"v": value}
	switch elements[0].key {
	case "$bin":
		return func(w *mpack.Writer) { w.Bytes(in.bytes("v")) }, true
	case "$uuid":
		return func(w *mpack.Writer) { w.Ext(extUUID, in.bytes("v")) }, true
	case "$datetime_us":
		return func(w *mpack.Writer) { encodeDateTime(w, &DateTime{in.number("v")}) }, true
	case "$map":
		pairs := [][2]json.RawMessage{}
		if err := json.Unmarshal(value, &pairs); err != nil {
			t.Fatal(err)
		}
		return func(w *mpack.Writer) {
			w.Map(len(pairs))
			for _, p := range pairs {
				describedValue(t, w, p[0])
				describedValue(t, w, p[1])
			}
		}, true
	}
	t.Fatalf("unknown value %s", elements[0].key)
	return nil, false
}
