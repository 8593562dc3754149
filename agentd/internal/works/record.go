package works

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// recordVersion is that of the format in docs/formats/work.md.
const recordVersion = 1

// Limits of a record, in bytes. A record that is written is always below them, for its texts are cut.
const (
	maxRecord = 64 << 10
	maxText   = 1 << 10
)

// record is a work on disk.
type record struct {
	Version  int     `json:"version"`
	ID       string  `json:"id"`
	Kind     Kind    `json:"kind"`
	Key      string  `json:"key"`
	Subject  string  `json:"subject"`
	Device   string  `json:"device,omitempty"`
	Begun    int64   `json:"begun"`    // milliseconds of Unix time, as all times here
	Deadline int64   `json:"deadline"` // when it is given up
	Ended    int64   `json:"ended,omitempty"`
	Failure  *failed `json:"failure,omitempty"`
	Result   *Result `json:"result,omitempty"`
}

// failed is why a work ended without a result.
type failed struct {
	Cancelled bool   `json:"cancelled,omitempty"`
	Status    uint16 `json:"status"`
	Object    string `json:"object,omitempty"`
	Reason    string `json:"reason"`
	Remedy    string `json:"remedy,omitempty"`
	Reference string `json:"reference,omitempty"`
}

// Result is what a work has come to.
type Result struct {
	Server       string `json:"server"`
	Organization string `json:"organization"`
	Fingerprint  string `json:"fingerprint,omitempty"` // hexadecimal
	User         string `json:"user,omitempty"`
	Device       string `json:"device,omitempty"`
	Name         string `json:"name,omitempty"`
	Email        string `json:"email,omitempty"`
	Label        string `json:"label,omitempty"`
	Profile      string `json:"profile,omitempty"`
	Replaced     string `json:"replaced,omitempty"`
}

// errRecord is a record that was damaged, or is not ours.
var errRecord = errors.New("it is no record of a work")

func (r *record) encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil && len(b) >= maxRecord {
		err = errors.New("a record of a work is too large")
	}
	return append(b, '\n'), err
}

func decodeRecord(b []byte) (*record, error) {
	if len(b) > maxRecord || !utf8.Valid(b) {
		return nil, errRecord
	}
	r := &record{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%w: %v", errRecord, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows it", errRecord)
	}
	return r, r.check()
}

// check refuses what encode would not have written.
func (r *record) check() error {
	switch {
	case r.Version != recordVersion:
		return fmt.Errorf("%w: its version is %d, not %d", errRecord, r.Version, recordVersion)
	case !validID(r.ID), !r.Kind.known(), r.Begun <= 0, r.Deadline <= 0, r.Ended < 0:
		return fmt.Errorf("%w: a field is not valid", errRecord)
	case (r.Ended == 0) != (r.Failure == nil && r.Result == nil), r.Failure != nil && r.Result != nil:
		return fmt.Errorf("%w: it ended in no way, or in two", errRecord)
	case r.Failure != nil && (r.Failure.Status == 0 || r.Failure.Reason == ""):
		return fmt.Errorf("%w: it failed for no reason", errRecord)
	}
	return nil
}

// idSize is the size of an id, in bytes.
const idSize = 16

func validID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == idSize && s == hex.EncodeToString(b)
}

// failure is what the record says of an error.
func failure(err error, cancelled bool) *failed {
	f := &failed{Cancelled: cancelled, Status: uint16(wire.StatusOf(err)), Reason: wire.StatusOf(err).Error()}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		f.Object, f.Remedy, f.Reference = cut(e.Object), cut(e.Remedy), cut(e.Reference)
		if e.Reason != "" {
			f.Reason = cut(e.Reason)
		}
	}
	return f
}

// cut bounds a text, at a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (r *record) ended() bool { return r.Ended != 0 }

func milliseconds(t time.Time) int64 { return t.UnixMilli() }
