package trust

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"runtime"

	"github.com/seed-73b3884f/parsec-agent/trust/internal/scrub"
)

// KeySize is the size of every key of this package that is not RSA.
const KeySize = 32

// errSecret is what encoders of a secret return.
var errSecret = errors.New("a secret cannot be encoded")

// redaction is embedded in every secret, so that no way of printing shows it.
type redaction struct{ _ [0]func() }

const redacted = "(redacted)"

// String returns a redaction.
func (redaction) String() string { return redacted }

// GoString returns a redaction.
func (redaction) GoString() string { return redacted }

// Format writes a redaction, whatever the verb.
func (redaction) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (redaction) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText refuses.
func (redaction) MarshalText() ([]byte, error) { return nil, errSecret }

// MarshalJSON refuses.
func (redaction) MarshalJSON() ([]byte, error) { return nil, errSecret }

// MarshalBinary refuses.
func (redaction) MarshalBinary() ([]byte, error) { return nil, errSecret }

// secret is a handle of secret bytes: copying it copies no secret, and wiping one handle wipes all. It is a function
// because fmt follows pointers, past all methods, when the field that has the handle is not exported.
type secret struct {
	redaction
	at func() *held
}

type held struct{ b []byte }

// take makes a secret of bytes that nobody else has.
func take(own []byte) secret {
	h := &held{b: own}
	return secret{at: func() *held { return h }}
}

// newSecret copies b.
func newSecret(b []byte) secret {
	own := make([]byte, len(b))
	scrub.Copy(own, b)
	return take(own)
}

func randomSecret(size int) secret {
	own := make([]byte, size)
	_, _ = rand.Read(own) // never fails
	return take(own)
}

func sizedSecret(b []byte, size int) (secret, error) {
	if len(b) != size {
		return secret{}, fmt.Errorf("%w: %d bytes instead of %d", ErrKeySize, len(b), size)
	}
	return newSecret(b), nil
}

// open returns the bytes for a short use in which they are neither kept nor changed.
func (s secret) open() ([]byte, error) {
	if s.at == nil || s.at().b == nil {
		return nil, ErrWiped
	}
	return s.at().b, nil
}

// key is open for secrets of 32 bytes.
func (s secret) key() (*[KeySize]byte, error) {
	b, err := s.open()
	if err != nil {
		return nil, err
	}
	return (*[KeySize]byte)(b), nil
}

func (s secret) equal(o secret) bool {
	a, errA := s.open()
	b, errB := o.open()
	return errA == nil && errB == nil && subtle.ConstantTimeCompare(a, b) == 1
}

// Export returns a copy of the secret for sealing it elsewhere; the caller wipes it.
func (s secret) Export() ([]byte, error) {
	b, err := s.open()
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(b))
	scrub.Copy(out, b)
	return out, nil
}

// move puts the secret into memory of the caller and clears where it was. All handles follow.
func (s secret) move(into []byte) error {
	b, err := s.open()
	if err != nil {
		return err
	}
	scrub.Copy(into, b)
	wipe(b)
	s.at().b = into
	return nil
}

// Wipe clears the secret. Later uses are ErrWiped; it may be called again.
func (s secret) Wipe() {
	if s.at != nil {
		wipe(s.at().b)
		s.at().b = nil
	}
}

func wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(b)
}
