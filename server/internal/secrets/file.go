package secrets

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/internal/durable"
)

// fileHeader is the first line of a key's file.
const fileHeader = "parsec-server key 1\n"

// maxFile is more than a file with a secret has.
const maxFile = 4096

// LoadFile reads a server's key, or makes one where there is none. The file must not be readable by others.
func LoadFile(path string) (*Box, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, KeySize)
		_, _ = rand.Read(key) // never fails
		text, err = createPrivate(path, []byte(fileHeader+hex.EncodeToString(key)+"\n"))
	}
	var b *Box
	if err == nil {
		b, err = parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the server's key in %s: %w", path, err)
	}
	return b, nil
}

// OpenFile reads a server's key that must be there.
func OpenFile(path string) (*Box, error) {
	text, err := readPrivate(path)
	var b *Box
	if err == nil {
		b, err = parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the server's key in %s: %w", path, err)
	}
	return b, nil
}

func parse(text []byte) (*Box, error) {
	defer clear(text)
	digits, ok := strings.CutPrefix(string(text), fileHeader)
	if !ok {
		return nil, errors.New("it does not begin with \"parsec-server key 1\"")
	}
	key, err := hex.DecodeString(strings.TrimSuffix(digits, "\n"))
	if err != nil || len(key) != KeySize {
		return nil, errors.New("it has no 64 hexadecimal digits in its second line")
	}
	defer clear(key)
	return NewBox(key)
}

// readPrivate reads a file that only its owner may use.
func readPrivate(path string) ([]byte, error) {
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
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	return text, err
}

// createPrivate makes a file that is on disk before anything rests on it. Of two who make one, one gets the other's.
func createPrivate(path string, text []byte) ([]byte, error) {
	d, err := durable.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }() // of a directory: nothing is lost
	err = d.Create(filepath.Base(path), text)
	if errors.Is(err, fs.ErrExist) {
		return readPrivate(path)
	}
	return text, err
}
