package trust

import (
	"crypto/rand"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"
)

// Costs of Argon2id (1.4): what new data gets, and what is accepted at most. The reference knows no upper bounds; without
// them a file or a server could stop the program.
const (
	DefaultMemoryKiB   = 128 << 10
	DefaultIterations  = 3
	DefaultParallelism = 1

	MaxMemoryKiB   = 1 << 20
	MaxIterations  = 64
	MaxParallelism = 16
	// maxWork bounds memory times iterations, in KiB: some ten seconds.
	maxWork = 8 << 20

	saltSize = 16
	// minMemoryPerLane is the algorithm's own lower bound, below which the library would silently compute something else.
	minMemoryPerLane = 8
)

// PasswordAlgorithm is Argon2id with its costs and salt, as a device file keeps it.
//
//codec:map ARGON2ID array
type PasswordAlgorithm struct {
	MemoryKiB   uint32 `mp:"memlimit_kb"`
	Iterations  uint32 `mp:"opslimit"`
	Parallelism uint32 `mp:"parallelism"`
	Salt        Salt   `mp:"salt"`
}

// Salt makes equal passwords give different keys.
type Salt [saltSize]byte

// NewPasswordAlgorithm returns the default costs with a random salt.
func NewPasswordAlgorithm() PasswordAlgorithm {
	a := PasswordAlgorithm{MemoryKiB: DefaultMemoryKiB, Iterations: DefaultIterations, Parallelism: DefaultParallelism}
	_, _ = rand.Read(a.Salt[:]) // never fails
	return a
}

// Check refuses costs that the algorithm does not define, or that cost too much.
func (a *PasswordAlgorithm) Check() error {
	switch {
	case a.Iterations < 1 || a.Iterations > MaxIterations:
		return fmt.Errorf("%w: %d iterations", ErrCost, a.Iterations)
	case a.Parallelism < 1 || a.Parallelism > MaxParallelism:
		return fmt.Errorf("%w: parallelism %d", ErrCost, a.Parallelism)
	case a.MemoryKiB < minMemoryPerLane*a.Parallelism || a.MemoryKiB > MaxMemoryKiB:
		return fmt.Errorf("%w: %d KiB", ErrCost, a.MemoryKiB)
	case uint64(a.MemoryKiB)*uint64(a.Iterations) > maxWork:
		return fmt.Errorf("%w: %d KiB, %d times", ErrCost, a.MemoryKiB, a.Iterations)
	}
	return nil
}

// SecretKey derives the key of a device file. It takes MemoryKiB of memory: callers limit how many run at once.
func (a *PasswordAlgorithm) SecretKey(password []byte) (SecretKey, error) {
	s, err := a.derive(password)
	return SecretKey{s}, err
}

// KeyDerivation derives the master secret of an account.
func (a *PasswordAlgorithm) KeyDerivation(password []byte) (KeyDerivation, error) {
	s, err := a.derive(password)
	return KeyDerivation{s}, err
}

func (a *PasswordAlgorithm) derive(password []byte) (secret, error) {
	if err := a.Check(); err != nil {
		return secret{}, err
	}
	lanes := uint8(a.Parallelism) //nolint:gosec // at most MaxParallelism
	return take(argon2.IDKey(password, a.Salt[:], a.Iterations, a.MemoryKiB, lanes, KeySize)), nil
}

// UntrustedPasswordAlgorithm is what a server says that an account's costs are.
//
//codec:map ARGON2ID
type UntrustedPasswordAlgorithm struct {
	MemoryKiB   uint32 `mp:"memlimit_kb"`
	Iterations  uint32 `mp:"opslimit"`
	Parallelism uint32 `mp:"parallelism"`
}

// Trust refuses costs below the defaults, with which a server could make a password cheap to guess, and adds the salt that
// belongs to the e-mail address.
func (a *UntrustedPasswordAlgorithm) Trust(email EmailAddress) (PasswordAlgorithm, error) {
	if a.MemoryKiB < DefaultMemoryKiB || a.Iterations < DefaultIterations || a.Parallelism < DefaultParallelism {
		return PasswordAlgorithm{}, fmt.Errorf("%w: it is too weak", ErrCost)
	}
	trusted := PasswordAlgorithm{MemoryKiB: a.MemoryKiB, Iterations: a.Iterations, Parallelism: a.Parallelism}
	salt, err := emailSalt(email.String())
	if err != nil {
		return PasswordAlgorithm{}, err
	}
	trusted.Salt = salt
	return trusted, trusted.Check()
}

func emailSalt(email string) (Salt, error) {
	h, err := blake2b.New(saltSize, nil)
	if err != nil {
		return Salt{}, err
	}
	h.Write([]byte("PARSEC_PASSWORD_ARGON2ID."))
	h.Write([]byte(email))
	return Salt(h.Sum(nil)), nil
}
