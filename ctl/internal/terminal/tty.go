package terminal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// device is the controlling terminal.
const device = "/dev/tty"

// tty is the controlling terminal while somebody is asked.
type tty struct{ *os.File }

func open() (*tty, error) {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNoTerminal
	}
	return &tty{f}, nil
}

// control calls fn with the descriptor, without the side effects of File.Fd.
func (t *tty) control(fn func(fd int) error) error {
	raw, err := t.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = fn(int(fd)) })
	return errors.Join(err, inner)
}

// secret asks for a line that is not shown. The echo is off before the question appears,
// and as before when secret returns, also when the person gives up.
func (t *tty) secret(ctx context.Context, prompt string) ([]byte, error) {
	var before unix.Termios
	err := t.control(func(fd int) error {
		state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		before = *state
		state.Lflag &^= unix.ECHO
		state.Lflag |= unix.ICANON | unix.ISIG
		state.Iflag |= unix.ICRNL
		return unix.IoctlSetTermios(fd, unix.TCSETS, state)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot silence the terminal: %w", err)
	}
	line, err := t.ask(ctx, prompt)
	fmt.Fprintln(t)
	restored := t.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, &before) })
	if err != nil || restored != nil {
		clear(line)
		return nil, errors.Join(err, restored)
	}
	return line, nil
}

// ask asks for a line, which it returns without its end.
func (t *tty) ask(ctx context.Context, prompt string) ([]byte, error) {
	fmt.Fprint(t, prompt)
	stop := context.AfterFunc(ctx, func() { _ = t.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	line := make([]byte, 0, MaxPassphrase+1)
	for {
		n, err := t.Read(line[len(line):cap(line)])
		line = line[:len(line)+n]
		switch {
		case n > 0 && line[len(line)-1] == '\n':
			return line[:len(line)-1], nil
		case err != nil:
			clear(line)
			if cause := context.Cause(ctx); cause != nil {
				return nil, cause
			}
			return nil, fmt.Errorf("cannot read from the terminal: %w", cause(err))
		case len(line) == cap(line):
			clear(line)
			return nil, tooLong()
		}
	}
}
