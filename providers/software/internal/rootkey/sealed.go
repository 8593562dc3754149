package rootkey

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// ErrSealed says that there is a root key which cannot be had without somebody's help.
var ErrSealed = errors.New("the root key does not open")

// Storer is a source that takes a key which exists. What it had before is replaced.
type Storer interface {
	Source
	// Store keeps the key, durably, and makes sure that Load returns it.
	Store(ctx context.Context, k *Key) error
}

// Sealer encrypts so that only one piece of hardware decrypts.
type Sealer interface {
	Seal(ctx context.Context, secret []byte, pcrs []uint) ([]byte, error)
	Unseal(ctx context.Context, blob []byte) ([]byte, error)
}

// Sealed is a file that only a Sealer opens. It makes no new keys, for a key that nothing
// else opens is lost with the hardware.
type Sealed struct {
	Path string
	// Sealer returns the hardware, or why it is not there. Name is how people call it.
	Sealer func() (Sealer, error)
	Name   string
	// PCRs are conditions for what is sealed from now on.
	PCRs []uint
}

// maxSealed bounds the file, in bytes.
const maxSealed = 8 << 10

// String names the source for people.
func (s Sealed) String() string {
	return fmt.Sprintf("%s, sealed to the TPM of provider %q", s.Path, s.Name)
}

// Load opens the file. Errors of the hardware are ErrSealed.
func (s Sealed) Load(ctx context.Context) (*Key, error) {
	blob, err := s.read()
	if err != nil {
		return nil, err
	}
	k, err := s.open(ctx, blob)
	if err != nil {
		return nil, fmt.Errorf("%w in %s: %w", ErrSealed, s, err)
	}
	return k, nil
}

func (s Sealed) read() ([]byte, error) {
	blob, err := readFile(s.Path, maxSealed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("cannot load the root key: %w", err)
	}
	return blob, nil
}

func (s Sealed) open(ctx context.Context, blob []byte) (*Key, error) {
	hardware, err := s.Sealer()
	if err != nil {
		return nil, err
	}
	secret, err := hardware.Unseal(ctx, blob)
	if err != nil {
		return nil, err
	}
	defer wipe(secret)
	return New(secret)
}

// Store seals the key, sees whether it opens again, and then writes the file.
func (s Sealed) Store(ctx context.Context, k *Key) error {
	hardware, err := s.Sealer()
	if err != nil {
		return err
	}
	var blob []byte
	err = k.Use(func(secret []byte) error {
		blob, err = hardware.Seal(ctx, secret, s.PCRs)
		return err
	})
	if err != nil {
		return err
	}
	again, err := s.open(ctx, blob)
	if err != nil {
		return fmt.Errorf("what was sealed just now does not open: %w", err)
	}
	defer again.Wipe()
	if again.ID() != k.ID() {
		return errors.New("what was sealed just now opens as another key")
	}
	return replaceFile(s.Path, blob)
}

// Store writes the key file.
func (f File) Store(_ context.Context, k *Key) error {
	content, err := k.MarshalFile()
	if err != nil {
		return err
	}
	defer wipe(content)
	return replaceFile(f.Path, content)
}

func replaceFile(path string, content []byte) error {
	dir, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Replace(filepath.Base(path), content), dir.Close())
}

func readFile(path string, limit int64) ([]byte, error) {
	dir, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.OpenFile(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if int64(f.UID) != int64(os.Geteuid()) {
		return nil, fmt.Errorf("%s belongs to uid %d, the agent is uid %d", path, f.UID, os.Geteuid())
	}
	return f.Read(limit)
}
