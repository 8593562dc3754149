package config

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
)

// Secret is a PIN or an authorisation value. It cannot be shown, compared or encoded.
type Secret struct {
	_     [0]func() // not comparable
	bytes []byte
}

// NewSecret takes ownership of b.
func NewSecret(b []byte) *Secret { return &Secret{bytes: b} }

// Use calls f with the bytes, which f must neither keep nor change.
func (s *Secret) Use(f func([]byte) error) error {
	if s == nil {
		return f(nil)
	}
	defer runtime.KeepAlive(s)
	return f(s.bytes)
}

// Wipe overwrites the bytes; the secret is empty afterwards.
func (s *Secret) Wipe() {
	if s == nil {
		return
	}
	clear(s.bytes)
	runtime.KeepAlive(s)
	s.bytes = nil
}

const redacted = "(redacted)"

// String returns a redaction.
func (*Secret) String() string { return redacted }

// GoString returns a redaction.
func (*Secret) GoString() string { return redacted }

// Format writes a redaction, whatever the verb.
func (*Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (*Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// ErrSecret is what encoders of a Secret return.
var ErrSecret = errors.New("a secret cannot be encoded")

// MarshalText refuses.
func (*Secret) MarshalText() ([]byte, error) { return nil, ErrSecret }

// MarshalJSON refuses.
func (*Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecret }
