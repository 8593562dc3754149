package device

import (
	"time"

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
