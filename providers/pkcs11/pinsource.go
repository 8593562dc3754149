package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// pinFile is a PIN in a file, which is read at each login.
type pinFile struct {
	path string
	// private refuses a file that others can read.
	private bool
	// credential is the name of the credential that it is, if it is one. Without a path the
	// service manager gave none.
	credential string
}

// PINFile returns the PIN in the first line of a file, which others than its owner must
// not be able to read.
func PINFile(path string) PIN { return pinFile{path: path, private: true} }

// PINCredential returns the PIN in the first line of the systemd credential of that name.
func PINCredential(name string) PIN {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return pinFile{credential: name}
	}
	return pinFile{path: filepath.Join(dir, name), credential: name}
}

// maxPIN is the length of the longest PIN in bytes.
const maxPIN = 1024

// Use reads the file, calls f with the PIN and wipes it.
func (p pinFile) Use(f func([]byte) error) error {
	b, err := p.read()
	defer clear(b)
	if err != nil {
		e := &wire.Error{
			Status: wire.StatusBadState, Reason: fmt.Sprintf("cannot read the user PIN: %v", err), Err: err,
			Remedy: "check user_pin_file, and that the agent's user can read the file",
		}
		if p.credential != "" {
			e.Remedy = fmt.Sprintf("give the agent's unit the credential, such as LoadCredential=%s:PATH", p.credential)
		}
		return e
	}
	secret, _, _ := bytes.Cut(b, []byte("\n"))
	return f(bytes.TrimSuffix(secret, []byte("\r")))
}

func (p pinFile) read() ([]byte, error) {
	if p.path == "" {
		return nil, fmt.Errorf("the service manager gave no credential %q (CREDENTIALS_DIRECTORY is not set)", p.credential)
	}
	f, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	const others = 0o077
	if p.private && info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("%s has mode %04o, and others than its owner must have no rights to it", p.path, info.Mode().Perm())
	}
	b := make([]byte, maxPIN+1)
	n, err := io.ReadFull(f, b)
	switch {
	case n > maxPIN:
		return b, fmt.Errorf("%s is longer than %d bytes", p.path, maxPIN)
	case errors.Is(err, io.EOF):
		return b, fmt.Errorf("%s is empty", p.path)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return b, err
	}
	return b[:n], nil
}
