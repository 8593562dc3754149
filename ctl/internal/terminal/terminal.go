// Package terminal talks to the person at the terminal: it asks for passphrases and
// confirmation, and shows progress. Without a terminal it asks nothing and shows nothing.
//
// Passphrases come from the controlling terminal, without echo, or from a file descriptor;
// never from arguments or the environment, which other processes can see.
package terminal

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ErrNoTerminal says that there is nobody to ask.
var ErrNoTerminal = errors.New("there is no terminal to ask for the passphrase: give it with --passphrase-fd")

// ErrMismatch says that a passphrase was repeated differently.
var ErrMismatch = errors.New("the two passphrases differ")

// MaxPassphrase bounds a passphrase, in bytes.
const MaxPassphrase = 1024

// Is reports whether a stream is a terminal.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Passphrase asks for a passphrase, twice when it is a new one.
func Passphrase(ctx context.Context, prompt string, fresh bool) ([]byte, error) {
	tty, err := open()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	first, err := tty.secret(ctx, prompt+": ")
	if err != nil || !fresh {
		return first, err
	}
	if len(first) == 0 {
		return nil, errors.New("an empty passphrase protects nothing")
	}
	second, err := tty.secret(ctx, "The same again: ")
	defer clear(second)
	if err == nil && subtle.ConstantTimeCompare(first, second) != 1 {
		err = ErrMismatch
	}
	if err != nil {
		clear(first)
		return nil, err
	}
	return first, nil
}

func tooLong() error {
	return fmt.Errorf("a passphrase of more than %d bytes", MaxPassphrase)
}

// PassphraseFrom reads a passphrase from a file descriptor: all there is, without the line
// end.
func PassphraseFrom(fd int) ([]byte, error) {
	if fd < 0 {
		return nil, fmt.Errorf("%d is no file descriptor", fd)
	}
	f := os.NewFile(uintptr(fd), "passphrase")
	if f == nil {
		return nil, fmt.Errorf("%d is no file descriptor", fd)
	}
	if fd > 2 {
		defer f.Close()
	}
	secret := make([]byte, MaxPassphrase+3) // of a fixed size: growing would leave copies behind
	n, err := io.ReadFull(f, secret)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		clear(secret)
		return nil, fmt.Errorf("cannot read the passphrase from descriptor %d: %w", fd, cause(err))
	}
	secret = secret[:n]
	trimmed := bytes.TrimSuffix(bytes.TrimSuffix(secret, []byte("\n")), []byte("\r"))
	if len(trimmed) > MaxPassphrase {
		clear(secret)
		return nil, tooLong()
	}
	return trimmed, nil
}

func cause(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// Confirm asks a question that is answered by yes or no; anything but yes is no.
func Confirm(ctx context.Context, question string) (bool, error) {
	tty, err := open()
	if err != nil {
		return false, err
	}
	defer tty.Close()
	line, err := tty.ask(ctx, question+" [y/N] ")
	answer := strings.ToLower(strings.TrimSpace(string(line)))
	return answer == "y" || answer == "yes", err
}
