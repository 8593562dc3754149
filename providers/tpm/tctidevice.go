package tpm

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// device is a character device of the kernel. Reads and writes block in the kernel while
// the TPM works, and are not interrupted: a command that was sent is always answered.
type device struct {
	fd   int
	path string
}

func openDevice(_ context.Context, t TCTI) (link, error) {
	fd, err := unix.Open(t.Path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	switch {
	case errors.Is(err, unix.EBUSY):
		return nil, errors.New("another program has the device open; use the resource manager: tcti = \"device:/dev/tpmrm0\"")
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil, fmt.Errorf("%w; add the agent's account to the group of the device, on Debian tss", err)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return nil, fmt.Errorf("%w; see whether the firmware has the TPM switched on", err)
	case err != nil:
		return nil, err
	}
	return &device{fd: fd, path: t.Path}, nil
}

// transmit writes the command and reads the response, each in one call as the driver demands.
func (d *device) transmit(command []byte) ([]byte, error) {
	if err := again(func() (int, error) { return unix.Write(d.fd, command) }, len(command)); err != nil {
		return nil, fmt.Errorf("cannot write to %s: %w", d.path, err)
	}
	b := make([]byte, maxResponse)
	var n int
	err := again(func() (_ int, err error) { n, err = unix.Read(d.fd, b); return n, err }, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read from %s: %w", d.path, err)
	}
	if n < headerSize {
		return nil, fmt.Errorf("%s answered %d bytes, a response has %d at least", d.path, n, headerSize)
	}
	if size, err := responseSize(b); err != nil || size != n {
		return nil, errors.Join(err, fmt.Errorf("%s answered %d bytes where the response announces another length", d.path, n))
	}
	return b[:n], nil
}

// again calls f until no signal interrupts it; want is the count to expect, 0 for any.
func again(f func() (int, error), want int) error {
	for {
		n, err := f()
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err == nil && want > 0 && n != want:
			return fmt.Errorf("took %d of %d bytes", n, want)
		}
		return err
	}
}

// Close closes the device; what was loaded through a resource manager goes with it.
func (d *device) Close() error { return unix.Close(d.fd) }
