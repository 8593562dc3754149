package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-73b3884f/parsec-agent/ctl/internal/terminal"
)

// maxInput bounds what is sent to the service in one request, in bytes: its default limit
// of a body, which is for all of a message.
const maxInput = 1 << 20

// open opens a file that a command reads; "-" is standard input. size is 0 if unknown.
func (p *Program) open(path string) (r io.ReadCloser, size uint64, err error) {
	if path == "-" {
		return io.NopCloser(p.In), 0, nil
	}
	f, err := os.Open(path) //nolint:gosec // the file that the user names, with the user's rights
	if err != nil {
		return nil, 0, readError(path, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, 0, errors.Join(readError(path, err), f.Close())
	case info.IsDir():
		return nil, 0, errors.Join(fmt.Errorf("cannot read %s: it is a directory", path), f.Close())
	case info.Mode().IsRegular():
		size = uint64(max(info.Size(), 0))
	}
	return f, size, nil
}

func readError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("cannot read %s: %w", path, err)
}

// read reads a whole file of at most limit bytes.
func (p *Program) read(path string, limit int64) ([]byte, error) {
	r, size, err := p.open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := readAll(io.LimitReader(r, limit+1), int(min(size, uint64(limit)))+1) //nolint:gosec // limits are small constants
	if err != nil {
		return nil, readError(path, err)
	}
	if int64(len(data)) > limit {
		clear(data)
		return nil, fmt.Errorf("cannot read %s: it has more than %s", path, terminal.Bytes(uint64(limit))) //nolint:gosec // a constant
	}
	return data, nil
}

// readAll is io.ReadAll for what may be a secret: no copy is left behind when it grows.
func readAll(r io.Reader, hint int) ([]byte, error) {
	data := make([]byte, 0, max(hint, 512))
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			clear(data)
			return nil, err
		case len(data) == cap(data):
			grown := append(make([]byte, 0, 2*cap(data)), data...)
			clear(data)
			data = grown
		}
	}
}

// message reads what is sent to the service whole.
func (p *Program) message(path, instead string) ([]byte, error) {
	data, err := p.read(path, maxInput)
	if err != nil && instead != "" {
		return nil, advise(err, "%s", instead)
	}
	return data, err
}

// secrets says where passphrases come from.
type secrets struct {
	fd int // below 0: the terminal
}

// apart refuses to read both the file and the passphrase from standard input.
func (s secrets) apart(path string) error {
	if s.fd == 0 && path == "-" {
		return usagef("the file and the passphrase cannot both come from standard input")
	}
	return nil
}

// ask returns a passphrase; fresh asks for a new one, twice.
func (s secrets) ask(ctx context.Context, prompt string, fresh bool) ([]byte, error) {
	if s.fd >= 0 {
		return terminal.PassphraseFrom(s.fd)
	}
	return terminal.Passphrase(ctx, prompt, fresh)
}
