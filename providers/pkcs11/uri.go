package pkcs11

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// URI is a PKCS#11 URI (RFC 7512) that names a token. Attributes of objects are refused,
// for it names a token only, and so are those that name a PIN or a library, which have keys
// of their own in the configuration.
type URI struct{ attributes map[string]string }

const uriScheme = "pkcs11:"

// maxURI bounds the text in bytes.
const maxURI = 4096

// readers give the value of each attribute that names a token.
var readers = map[string]func(frame.Slot) string{
	"token":            func(s frame.Slot) string { return s.Token.Label },
	"manufacturer":     func(s frame.Slot) string { return s.Token.Manufacturer },
	"model":            func(s frame.Slot) string { return s.Token.Model },
	"serial":           func(s frame.Slot) string { return s.Token.Serial },
	"slot-id":          func(s frame.Slot) string { return fmt.Sprint(s.ID) },
	"slot-description": func(s frame.Slot) string { return s.Description },
}

// ParseURI parses a PKCS#11 URI. Errors do not repeat it, for it can contain a PIN.
func ParseURI(text string) (*URI, error) {
	rest, ok := strings.CutPrefix(text, uriScheme)
	switch {
	case len(text) > maxURI:
		return nil, fmt.Errorf("a PKCS#11 URI of %d bytes is too long, %d are the most", len(text), maxURI)
	case !ok:
		return nil, errors.New("a PKCS#11 URI begins with the scheme pkcs11")
	}
	rest, query, found := strings.Cut(rest, "?")
	if found {
		return nil, refuseQuery(query)
	}
	u := &URI{attributes: map[string]string{}}
	for part := range strings.SplitSeq(rest, ";") {
		if part == "" && rest == "" {
			break
		}
		name, raw, found := strings.Cut(part, "=")
		if _, known := readers[name]; !found || !known {
			return nil, fmt.Errorf("a PKCS#11 URI of a token has no attribute %q", cut(name))
		}
		if _, twice := u.attributes[name]; twice {
			return nil, fmt.Errorf("the PKCS#11 URI has the attribute %s twice", name)
		}
		value, err := url.PathUnescape(raw)
		if err != nil {
			return nil, fmt.Errorf("the attribute %s of the PKCS#11 URI has a wrong %% sequence", name)
		}
		u.attributes[name] = value
	}
	return u, nil
}

// refuseQuery says what to do instead of query attributes. It repeats no value.
func refuseQuery(query string) error {
	for part := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(part, "="); name {
		case "pin-value", "pin-source":
			return fmt.Errorf("a PKCS#11 URI of a token must not carry a PIN (%s): set user_pin_file, user_pin_credential or user_pin_prompt", name)
		case "module-path", "module-name":
			return fmt.Errorf("a PKCS#11 URI of a token does not choose the library (%s): set library_path", name)
		}
	}
	return errors.New("query attributes of a PKCS#11 URI, such as a PIN or a library, are not used: set user_pin_file and library_path")
}

// String returns the URI in one form, its attributes sorted.
func (u *URI) String() string {
	if u == nil {
		return uriScheme
	}
	var parts []string
	for name, value := range u.attributes {
		parts = append(parts, name+"="+escape(value))
	}
	sort.Strings(parts)
	return uriScheme + strings.Join(parts, ";")
}

// escape writes everything but the characters that RFC 3986 calls unreserved as %XX.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// matches reports whether a token has all attributes of the URI; no URI matches all.
func (u *URI) matches(s frame.Slot) bool {
	if u == nil {
		return true
	}
	for name, want := range u.attributes {
		if strings.TrimSpace(readers[name](s)) != strings.TrimSpace(want) {
			return false
		}
	}
	return true
}
