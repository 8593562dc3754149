package rootkey

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/seed-73b3884f/parsec-agent/internal/locked"
)

// Size is the length of a root key in bytes.
const Size = 32

// Purposes of derived keys, the info strings of HKDF.
const (
	purposeID = "parsec-agent root key id v1"
	// PurposeKeyFile is the encryption of key files.
	PurposeKeyFile = "parsec-agent key file v1"
)

// ErrWiped is the error of a key that was wiped.
var ErrWiped = errors.New("the root key was wiped")

// ID is the public name of a root key. The key does not follow from it.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Key is a root key.
type Key struct {
	_  [0]func() // not comparable with ==
	id ID
	// lockErr is why the mapping could not be locked.
	lockErr error

	mu sync.RWMutex // guards the field below
	// secret is nil when wiped.
	secret []byte
}

// New returns a key of the 32 bytes, which it copies; the caller wipes its own.
func New(secret []byte) (*Key, error) {
	if len(secret) != Size {
		return nil, fmt.Errorf("a root key has %d bytes, not %d", Size, len(secret))
	}
	memory, lockErr, err := locked.Allocate(Size)
	if err != nil {
		return nil, fmt.Errorf("cannot map memory for the root key: %w", err)
	}
	copy(memory, secret)
	k := &Key{secret: memory, lockErr: lockErr}
	id, err := hkdf.Key(sha256.New, memory, nil, purposeID, len(k.id))
	if err != nil {
		k.Wipe()
		return nil, err
	}
	k.id = ID(id)
	return k, nil
}

// Generate returns a new random key.
func Generate() (*Key, error) {
	secret := make([]byte, Size)
	defer wipe(secret)
	_, _ = rand.Read(secret) // never fails
	return New(secret)
}

// ID returns the public name of the key.
func (k *Key) ID() ID { return k.id }

// LockError returns why the key could not be locked in memory, nil when it is.
func (k *Key) LockError() error { return k.lockErr }

// Use calls f with the bytes, which f must neither keep nor change.
func (k *Key) Use(f func(secret []byte) error) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.secret == nil {
		return ErrWiped
	}
	return f(k.secret)
}

// AEAD returns XChaCha20-Poly1305 under the key that is derived for the purpose. Nonces
// are 24 random bytes. It is for short use: nothing can wipe the key that it holds.
func (k *Key) AEAD(purpose string) (cipher.AEAD, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.secret == nil {
		return nil, ErrWiped
	}
	derived, err := hkdf.Key(sha256.New, k.secret, nil, purpose, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer wipe(derived)
	return chacha20poly1305.NewX(derived)
}

// Wipe clears the key. Later uses are ErrWiped; it may be called again.
func (k *Key) Wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secret != nil {
		locked.Release(k.secret)
		k.secret = nil
	}
}

const redacted = "[root key]"

// String returns a redaction.
func (k *Key) String() string { return redacted }

// GoString returns a redaction.
func (k *Key) GoString() string { return redacted }

// Format prints a redaction for every verb.
func (k *Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns a redaction.
func (k *Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText refuses, and with it JSON.
func (k *Key) MarshalText() ([]byte, error) {
	return nil, errors.New("a root key is not for marshalling")
}

func wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(b)
}
