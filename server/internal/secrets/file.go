package secrets

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// fileHeader is the first line of a key's file.
const fileHeader = "parsec-server key 1\n"

// maxFile is more than a key's file has.
const maxFile = 256

// LoadFile reads a server's key, or makes one where there is none. The file must not be readable by others.
func LoadFile(path string) (*Box, error) {
	key, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = createFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the server's key in %s: %w", path, err)
	}
	defer clear(key)
	return NewBox(key)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the administrator's path
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("others may use it (mode %#o): chmod 600 it", info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	return parse(text)
}

func parse(text []byte) ([]byte, error) {
	defer clear(text)
	digits, ok := strings.CutPrefix(string(text), fileHeader)
	if !ok {
		return nil, errors.New("it does not begin with \"parsec-server key 1\"")
	}
	key, err := hex.DecodeString(strings.TrimSuffix(digits, "\n"))
	if err != nil || len(key) != KeySize {
		return nil, errors.New("it has no 64 hexadecimal digits in its second line")
	}
	return key, nil
}

// createFile makes a key that is on disk before anything is sealed with it. Of two who make one, one gets the other's.
func createFile(path string) (_ []byte, err error) {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails
	f, err := os.CreateTemp(dir(path), ".key-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(fileHeader + hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return readFile(path)
		}
		return nil, err
	}
	return key, syncDir(dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the administrator's path
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func dir(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "."
}
