package tpm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/providers/software"
)

// SealedRootKey is the root key of a software provider in a file that only this TPM opens.
// Who makes one makes a recovery key first: the file is worthless on every other machine.
type SealedRootKey struct {
	// Provider is the TPM; it must stay open.
	Provider *Provider
	// Path is the file.
	Path string
	// PCRs are the conditions for a new key, as Seal takes them.
	PCRs []uint
}

var _ software.RootKeyCreator = SealedRootKey{}

// maxSealedFile bounds the file, in bytes.
const maxSealedFile = 8 << 10

// String names the source for people.
func (s SealedRootKey) String() string {
	return fmt.Sprintf("%s, sealed to the TPM of provider %q", s.Path, s.Provider.info.Name)
}

// Load opens the file with the TPM, or returns software.ErrNoRootKey when there is none.
func (s SealedRootKey) Load(ctx context.Context) (*software.RootKey, error) {
	f, err := os.Open(s.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, software.ErrNoRootKey
	}
	if err != nil {
		return nil, fmt.Errorf("cannot load the root key: %w", err)
	}
	blob, err := io.ReadAll(io.LimitReader(f, maxSealedFile))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("cannot load the root key: %w", err)
	}
	secret, err := s.Provider.Unseal(ctx, blob)
	if err != nil {
		return nil, fmt.Errorf("cannot load the root key from %s: %w", s, err)
	}
	defer clear(secret)
	return software.NewRootKey(secret)
}

// Create seals a new root key and writes the file, which must not exist.
func (s SealedRootKey) Create(ctx context.Context) (*software.RootKey, error) {
	secret := make([]byte, software.RootKeySize)
	defer clear(secret)
	_, _ = rand.Read(secret) // never fails
	blob, err := s.Provider.Seal(ctx, secret, s.PCRs)
	if err == nil {
		err = createFile(s.Path, blob)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create the root key in %s: %w", s, err)
	}
	return software.NewRootKey(secret)
}

// createFile makes a durable file of mode 0600 that is whole or not there, and never
// replaces one.
func createFile(path string, content []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".sealed-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // the link is what stays
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir) //nolint:gosec // the directory of the configured file
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
