package api

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// problem is what is wrong with a body, in the form of the original.
type problem struct {
	Type string `json:"type"`
	Loc  []any  `json:"loc"`
	Msg  string `json:"msg"`
}

// body is an object of JSON whose values are read by name. What it has beyond them is passed over, as by the original.
type body struct {
	values   map[string]json.RawMessage
	place    []any
	problems []problem
}

// readBody reads the body of a request.
func readBody(r *http.Request) (*body, error) {
	text, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &administrationError{http.StatusRequestEntityTooLarge, "The body is too large"}
	}
	if err != nil {
		return nil, &administrationError{http.StatusBadRequest, "There was an error parsing the body"}
	}
	b := &body{place: []any{"body"}}
	switch {
	case len(text) == 0:
		b.wrong("missing", "Field required")
	case !isJSON(r.Header.Get("Content-Type")):
		b.wrong("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
	case !utf8.Valid(text):
		return nil, &administrationError{http.StatusBadRequest, "There was an error parsing the body"}
	default:
		b.parse(text)
	}
	return b, b.err()
}

// isJSON reports whether a body is said to be JSON.
func isJSON(header string) bool {
	kind, _, err := mime.ParseMediaType(header)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

func (b *body) parse(text []byte) {
	if bad, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(text, new(json.RawMessage))); ok {
		b.problems = append(b.problems, problem{"json_invalid", append(b.place, bad.Offset), "JSON decode error"})
		return
	}
	if trimmed := bytes.TrimLeft(text, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(text, &b.values) != nil {
		b.wrong("model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
	}
}

// wrong notes what is wrong with the value at a place below the body.
func (b *body) wrong(kind, message string, at ...any) {
	b.problems = append(b.problems, problem{kind, append(append([]any{}, b.place...), at...), message})
}

// err is the refusal of a body that is not what is expected, or nil.
func (b *body) err() error {
	if len(b.problems) == 0 {
		return nil
	}
	return &administrationError{http.StatusUnprocessableEntity, b.problems}
}

// required notes that a value is missing.
func (b *body) required(name string) bool {
	_, ok := b.values[name]
	if !ok {
		b.wrong("missing", "Field required", name)
	}
	return ok
}

// isNull reports whether a value is null, or missing.
func (b *body) isNull(name string) bool {
	v, ok := b.values[name]
	return !ok || string(v) == "null"
}

// boolean returns a truth value, nil where it is missing.
func (b *body) boolean(name string) *bool {
	switch v, ok := b.values[name]; {
	case !ok:
		return nil
	case string(v) == "true", string(v) == "false":
		is := string(v) == "true"
		return &is
	}
	b.wrong("bool_type", "Input should be a valid boolean", name)
	return nil
}

var integer = regexp.MustCompile(`^-?[0-9]+$`)

// maxCount is the greatest number that the store keeps as it is.
const maxCount = 1 << 62

// count returns a number that is not negative, nil where it is missing or null.
func (b *body) count(name string) *uint64 {
	v := string(b.values[name])
	if !integer.MatchString(v) {
		b.wrong("int_type", "Input should be a valid integer", name)
		return nil
	}
	n, err := strconv.ParseUint(v, 10, 64)
	switch {
	case strings.HasPrefix(v, "-"):
		b.wrong("greater_than_equal", "Input should be greater than or equal to 0", name)
	case err != nil || n > maxCount:
		b.wrong("less_than_equal", "Input should be less than or equal to "+strconv.FormatInt(maxCount, 10), name)
	default:
		return &n
	}
	return nil
}

// text returns a text, and reports false where it is none.
func (b *body) text(name string) (text string, ok bool) {
	if v := b.values[name]; len(v) == 0 || v[0] != '"' || json.Unmarshal(v, &text) != nil {
		b.wrong("string_type", "Input should be a valid string", name)
		return "", false
	}
	return text, true
}

// parsed returns what a text stands for, nil where it is missing or null.
func parsed[T any](b *body, name string, parse func(string) (T, error)) *T {
	if b.isNull(name) {
		return nil
	}
	text, ok := b.text(name)
	if !ok {
		return nil
	}
	v, err := parse(text)
	if err != nil {
		b.wrong("value_error", "Value error, "+err.Error(), name)
		return nil
	}
	return &v
}

// needed is parsed for what must be there.
func needed[T any](b *body, name string, parse func(string) (T, error)) *T {
	if !b.required(name) {
		return nil
	}
	if b.isNull(name) {
		b.wrong("string_type", "Input should be a valid string", name)
	}
	return parsed(b, name, parse)
}

// idOf reads an id.
func idOf[T any, P interface {
	*T
	encoding.TextUnmarshaler
}](text string) (id T, err error) {
	return id, P(&id).UnmarshalText([]byte(text))
}

// bytes returns what is in base64.
func (b *body) bytes(name string) []byte {
	if !b.required(name) {
		return nil
	}
	text, ok := b.text(name)
	if !ok {
		return nil
	}
	v, err := base64.StdEncoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		b.wrong("value_error", "Value error, this is no base64", name)
	}
	return v
}

// object returns an object, nil where there is none.
func (b *body) object(name string) *body {
	inner := &body{place: append(append([]any{}, b.place...), name)}
	if v := b.values[name]; len(v) == 0 || v[0] != '{' || json.Unmarshal(v, &inner.values) != nil {
		b.wrong("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", name)
		return nil
	}
	return inner
}

// texts returns a list of at most so many texts.
func (b *body) texts(name string, most int) (all []string) {
	if v := b.values[name]; len(v) == 0 || v[0] != '[' || json.Unmarshal(v, &all) != nil {
		b.wrong("list_type", "Input should be a valid list of strings", name)
		return nil
	}
	if len(all) > most {
		b.wrong("too_long", "The list is too long", name)
	}
	return all
}
