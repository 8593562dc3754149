package attestation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
)

// ErrFormat is wrapped by every error about bytes that are not of a format of this package.
var ErrFormat = errors.New("malformed")

func malformed(why string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(why, args...))
}

// version is that of all formats here; each begins with its magic and the version as u16.
const version = 1

func head(magic string) []byte { return binary.BigEndian.AppendUint16([]byte(magic), version) }

// appendField appends a value behind its length as u16. The callers bound it.
func appendField(b, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(value))) //nolint:gosec // below 64 KiB
	return append(b, value...)
}

// reader cuts values off; the first error stays.
type reader struct {
	rest []byte
	err  error
}

// begin checks the magic and the version.
func begin(b []byte, magic, what string) *reader {
	r := &reader{rest: b}
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	switch {
	case !ok:
		r.err = malformed("this is no %s: it does not begin with %q", what, magic)
	case len(rest) < 2:
		r.err = malformed("the %s ends within its version", what)
	case binary.BigEndian.Uint16(rest) != version:
		r.err = malformed("version %d of the %s is unknown", binary.BigEndian.Uint16(rest), what)
	default:
		r.rest = rest[2:]
	}
	return r
}

func (r *reader) fixed(what string, n int) []byte {
	if r.err == nil && len(r.rest) < n {
		r.err = malformed("it ends within the %s", what)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// field reads a value of at most most bytes. The result aliases the input.
func (r *reader) field(what string, most int) []byte {
	n := int(binary.BigEndian.Uint16(r.fixed(what, 2)))
	if r.err == nil && n > most {
		r.err = malformed("the %s has %d bytes, at most %d are possible", what, n, most)
	}
	if r.err != nil {
		return nil
	}
	return r.fixed(what, n)
}

func (r *reader) end(what string) error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = malformed("%d bytes follow the %s", len(r.rest), what)
	}
	return r.err
}

// structure decodes a structure of the TPM that must be encoded as a TPM encodes it.
func structure[T tpm2.Marshallable, P interface {
	*T
	tpm2.Unmarshallable
}](b []byte, what string) (*T, error) {
	v, err := tpm2.Unmarshal[T, P](b)
	if err != nil {
		return nil, malformed("the %s cannot be decoded: %v", what, err)
	}
	if !bytes.Equal(tpm2.Marshal(*v), b) { //nolint:forbidigo // public
		return nil, malformed("the %s is not encoded as TPMs encode it", what)
	}
	return v, nil
}
