package device

import (
	"context"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/psa"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Files is what tests put in front of the disk.
type Files = files

// OpenFiles opens a directory on disk.
func OpenFiles(path string) (Files, error) { return openFiles(path) }

// Intercept puts something in front of the disk.
func (s *Store) Intercept(wrap func(Files) Files) {
	s.open = func(dir string) (files, error) {
		f, err := openFiles(dir)
		if err != nil {
			return nil, err
		}
		return wrap(f), nil
	}
}

// SetClock replaces the clock.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// WrongSecrets is how many wrong secrets there were since the last right one.
func (s *Store) WrongSecrets() int {
	s.attempts.mu.Lock()
	defer s.attempts.mu.Unlock()
	return s.attempts.wrong
}

// CheapPasswords makes new passwords cost next to nothing.
func (s *Store) CheapPasswords() {
	s.sealer.algorithm = func() trust.PasswordAlgorithm {
		a := trust.NewPasswordAlgorithm()
		a.MemoryKiB, a.Iterations = 64, 1
		return a
	}
}

// DecodeAndEncode reads a file of our form and writes it again.
func DecodeAndEncode(data []byte) ([]byte, error) {
	f, err := decodeFile(data)
	if err != nil {
		return nil, err
	}
	bound, err := f.encodeBound()
	if err != nil {
		return nil, err
	}
	f.bound = bound
	return f.encode(), nil
}

// SealFile returns a file of a device. The provider key is there already.
func SealFile(ctx context.Context, d *trust.LocalDevice, p Protection, keys Keys, keyName string) ([]byte, error) {
	s := sealer{kept{keys}, NewBudget(), trust.NewPasswordAlgorithm}
	at := trust.DateTime{}.Add(1_800_000_000 * time.Second)
	s.algorithm = func() trust.PasswordAlgorithm {
		return trust.PasswordAlgorithm{MemoryKiB: 64, Iterations: 1, Parallelism: 1, Salt: trust.Salt{1, 2, 3}}
	}
	return s.seal(ctx, d, headerOf(d, at, at), &p, keyName)
}

// kept makes no keys.
type kept struct{ Keys }

func (kept) Make(context.Context, string, string, func(providers.Provider) (psa.Attributes, error)) error {
	return nil
}

// OpenFile opens a file.
func OpenFile(ctx context.Context, content []byte, keys Keys, server Server, with Secret) (*trust.LocalDevice, error) {
	p, err := parse(content)
	if err != nil {
		return nil, err
	}
	o := opener{keys: keys, cost: NewBudget(), server: server}
	return o.open(ctx, p, with)
}
