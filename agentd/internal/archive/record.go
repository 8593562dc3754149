package archive

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The limits of an archive. Lengths are in bytes.
const (
	MaxRecords  = 1 << 20
	MaxName     = 1 << 20 // of a key
	MaxApp      = wire.MaxAuthLen
	MaxKeyID    = 64 << 10
	MaxMaterial = 1 << 20
	MaxNote     = 1 << 10
	MaxText     = 1 << 10 // provider names and the version of the agent
	// maxLine bounds a line: a name of control characters takes six bytes for each.
	maxLine = 8 << 20
)

// Manifest says what an archive is.
type Manifest struct {
	// AgentVersion is the version of the agent that wrote it, for people.
	AgentVersion string
	// Created is when it was begun, in whole seconds UTC.
	Created time.Time
	// Keys is how many keys there were when it was begun. One that was destroyed meanwhile
	// has no record.
	Keys int
}

// Record is one key.
type Record struct {
	kim.Entry
	// Note says why there is no material, for people; it is empty when there is.
	Note string
	// Material is the key in the format of its provider.
	Material Secret
}

// Wipe overwrites the material.
func (r *Record) Wipe() { clear(r.Material) }

// check refuses a record that no archive may hold.
func (r *Record) check() error {
	switch {
	case !r.Owner.Auth.Known() && r.Owner.Auth != wire.AuthInternal:
		return fmt.Errorf("no authenticator has the number %d", r.Owner.Auth)
	case !text(r.Owner.App, MaxApp):
		return fmt.Errorf("the application name is not UTF-8 of at most %d bytes", MaxApp)
	case !text(string(r.Name), MaxName):
		return fmt.Errorf("the key name is not UTF-8 of at most %d bytes", MaxName)
	case !text(r.Provider.Name, MaxText) || !text(r.Provider.UUID, MaxText):
		return fmt.Errorf("name and UUID of the provider are not UTF-8 of at most %d bytes", MaxText)
	case r.Provider.ID != kim.ProviderByUUID(r.Provider.UUID):
		return fmt.Errorf("provider UUID %q is not that of %s", r.Provider.UUID, r.Provider.ID)
	case len(r.KeyID) > MaxKeyID:
		return fmt.Errorf("the key id is longer than %d bytes", MaxKeyID)
	case len(r.Material) > MaxMaterial:
		return fmt.Errorf("the key material is longer than %d bytes", MaxMaterial)
	case (len(r.Material) == 0) == (r.Note == ""):
		return errors.New("a record has either key material or a note that says why not")
	case !text(r.Note, MaxNote):
		return fmt.Errorf("the note is not UTF-8 of at most %d bytes", MaxNote)
	}
	return r.Attributes.Valid()
}

func text(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

// object names a key in errors: its name comes from a caller.
func object(name psa.KeyName) string {
	const most = 80
	s := string(name)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return fmt.Sprintf("key %q", s)
}

// note makes any text fit to be a Note.
func note(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
	if len(s) > MaxNote {
		s = strings.ToValidUTF8(s[:MaxNote], "")
	}
	return s
}

// Secret is key material. It prints as a redaction and refuses JSON.
type Secret []byte

const redacted = "[key material]"

// String returns a redaction.
func (Secret) String() string { return redacted }

// GoString returns a redaction.
func (Secret) GoString() string { return redacted }

// Format writes a redaction whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses: only this package writes key material, into an archive.
func (Secret) MarshalJSON() ([]byte, error) { return nil, errors.New("key material is not for JSON") }
