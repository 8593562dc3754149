package pkcs11

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/locked"
)

// kept is a PIN that a person gave, in locked memory. It is for one token only: another one
// in the same slot is not offered it.
type kept struct {
	lockErr error // why the memory is not locked
	pad     bool  // the person types it on the token's PIN pad; there is no secret
	// Of the attempt that runs, until the link has it; then they do not change.
	token  string    // the record's name of the token that accepted the PIN
	until  time.Time // when it is forgotten, zero for never
	expiry *time.Timer

	mu     sync.Mutex // guards the field below
	secret []byte     // nil when wiped
}

var errForgotten = errors.New("the PIN was forgotten")

// keep copies a PIN; an empty one stands for the PIN pad.
func keep(pin []byte) (*kept, error) {
	if len(pin) == 0 {
		return &kept{pad: true}, nil
	}
	memory, lockErr, err := locked.Allocate(len(pin))
	if err != nil {
		return nil, fmt.Errorf("cannot map memory for the PIN: %w", err)
	}
	copy(memory, pin)
	return &kept{secret: memory, lockErr: lockErr}, nil
}

// Use calls f with the PIN, which stays until f returns.
func (k *kept) Use(f func([]byte) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secret == nil {
		return errForgotten
	}
	return f(k.secret)
}

// wipe forgets the PIN; nil has none.
func (k *kept) wipe() {
	if k == nil {
		return
	}
	if k.expiry != nil {
		k.expiry.Stop()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.secret != nil {
		locked.Release(k.secret)
		k.secret = nil
	}
}
