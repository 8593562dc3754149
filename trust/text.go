package trust

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Longest texts, in bytes after normalisation (3.12).
const (
	maxOrganizationID = 32
	maxDeviceLabel    = 255
	maxHumanLabel     = 254
	maxEntryName      = 255
	// maxRawText is how long a text may be before normalisation, which can shorten it.
	maxRawText = 4096
	maxPath    = 1 << 20
)

// ErrText is what a text that breaks the rules of its type gives.
var ErrText = errors.New("the text is not allowed here")

// decodeBase64 reads the one text that stands for some bytes. The library alone skips line breaks and passes over the last bits.
func decodeBase64(encoding *base64.Encoding, s string) ([]byte, error) {
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return encoding.Strict().DecodeString(s)
}

// text is embedded in every type of text that has rules. Its zero value is none.
type text struct{ s string }

// String returns the text.
func (t text) String() string { return t.s }

// MarshalText returns the text.
func (t text) MarshalText() ([]byte, error) { return []byte(t.s), nil }

// OrganizationID names an organisation of a server.
type OrganizationID struct{ text }

// DeviceLabel is what people call a device.
type DeviceLabel struct{ text }

// HumanLabel is what people call a person.
type HumanLabel struct{ text }

// EntryName is a name inside of a folder.
type EntryName struct{ text }

// normalize returns the NFC of a text of 1 to limit bytes then.
func normalize(what, s string, limit int) (text, error) {
	if len(s) > maxRawText || !utf8.ValidString(s) {
		return text{}, fmt.Errorf("%s: %w", what, ErrText)
	}
	s = norm.NFC.String(s)
	if s == "" || len(s) > limit {
		return text{}, fmt.Errorf("%s: %w: it has 1 to %d bytes", what, ErrText, limit)
	}
	return text{s}, nil
}

// NewOrganizationID checks and normalises.
func NewOrganizationID(s string) (OrganizationID, error) {
	t, err := normalize("organisation", s, maxOrganizationID)
	if err != nil {
		return OrganizationID{}, err
	}
	for _, c := range t.s {
		if c != '-' && !isWord(c) {
			return OrganizationID{}, fmt.Errorf("organisation: %w: character %q", ErrText, c)
		}
	}
	return OrganizationID{t}, nil
}

// NewDeviceLabel checks and normalises.
func NewDeviceLabel(s string) (DeviceLabel, error) {
	t, err := normalize("device label", s, maxDeviceLabel)
	return DeviceLabel{t}, err
}

// NewHumanLabel checks and normalises.
func NewHumanLabel(s string) (HumanLabel, error) {
	t, err := normalize("name of a person", s, maxHumanLabel)
	if err != nil {
		return HumanLabel{}, err
	}
	if i := strings.IndexAny(t.s, `<>@,:;\"[]`); i >= 0 {
		return HumanLabel{}, fmt.Errorf("name of a person: %w: character %q", ErrText, t.s[i])
	}
	return HumanLabel{t}, nil
}

// NewEntryName checks and normalises.
func NewEntryName(s string) (EntryName, error) {
	t, err := normalize("name of a file", s, maxEntryName)
	if err != nil {
		return EntryName{}, err
	}
	if t.s == "." || t.s == ".." || strings.ContainsAny(t.s, "/\x00") {
		return EntryName{}, fmt.Errorf("name of a file: %w: %q", ErrText, t.s)
	}
	return EntryName{t}, nil
}

// FsPath is an absolute path inside of a workspace; the empty one is its root.
type FsPath []EntryName

// ParsePath reads a path. Empty and . components are dropped, .. goes up, and not above the root.
func ParsePath(s string) (FsPath, error) {
	if len(s) > maxPath || !strings.HasPrefix(s, "/") {
		return nil, fmt.Errorf("path: %w: it begins with / and has at most %d bytes", ErrText, maxPath)
	}
	path := FsPath{}
	for part := range strings.SplitSeq(s, "/") {
		switch part {
		case "", ".":
		case "..":
			path = path[:max(0, len(path)-1)]
		default:
			name, err := NewEntryName(part)
			if err != nil {
				return nil, err
			}
			path = append(path, name)
		}
	}
	return path, nil
}

// String returns the path with a leading slash.
func (p FsPath) String() string {
	if len(p) == 0 {
		return "/"
	}
	b := strings.Builder{}
	for _, name := range p {
		b.WriteByte('/')
		b.WriteString(name.s)
	}
	return b.String()
}

// decodeText reads a text and hands it to its constructor.
func decodeText[T any](r *mpack.Reader, v *T, construct func(string) (T, error)) {
	s := r.String(maxRawText)
	if r.Err() != nil {
		return
	}
	made, err := construct(s)
	if err != nil {
		r.Fail(err)
		return
	}
	*v = made
}

// encodeText refuses the zero value, which nobody checked.
func encodeText(w *mpack.Writer, t text) {
	if t.s == "" {
		w.Fail(ErrText)
	}
	w.String(t.s)
}

func decodeOrganizationID(r *mpack.Reader, v *OrganizationID) { decodeText(r, v, NewOrganizationID) }
func encodeOrganizationID(w *mpack.Writer, v *OrganizationID) { encodeText(w, v.text) }
func decodeDeviceLabel(r *mpack.Reader, v *DeviceLabel)       { decodeText(r, v, NewDeviceLabel) }
func encodeDeviceLabel(w *mpack.Writer, v *DeviceLabel)       { encodeText(w, v.text) }
func decodeEntryName(r *mpack.Reader, v *EntryName)           { decodeText(r, v, NewEntryName) }
func encodeEntryName(w *mpack.Writer, v *EntryName)           { encodeText(w, v.text) }
