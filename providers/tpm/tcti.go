package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// TCTI is the way to a TPM.
type TCTI struct {
	// Kind is "device", "swtpm", "mssim" or "tabrmd".
	Kind string
	// Path is the device, or for swtpm the Unix socket; for swtpm and mssim it may be empty.
	Path string
	// Host and Port are the TCP address of swtpm and mssim.
	Host string
	Port uint16
	// BusName and BusType ("session" or "system") are for tabrmd.
	BusName, BusType string
}

// String returns the way as configuration files write it.
func (t TCTI) String() string {
	switch {
	case t.Kind == "tabrmd":
		return fmt.Sprintf("tabrmd:bus_name=%s,bus_type=%s", t.BusName, t.BusType)
	case t.Kind == "device":
		return "device:" + t.Path
	case t.Path != "":
		return t.Kind + ":path=" + t.Path
	default:
		return fmt.Sprintf("%s:host=%s,port=%d", t.Kind, t.Host, t.Port)
	}
}

// ErrAbsent says that there is no TPM at the end of the configured way. Every other error
// of Open says that there is one, and that something is wrong with it.
var ErrAbsent = errors.New("there is no TPM")

// link is an open way. transmit sends one command and returns the whole response; after an
// error the link is of no more use.
type link interface {
	transmit(command []byte) ([]byte, error)
	io.Closer
}

// dial opens the way. Its errors are ErrAbsent.
func dial(ctx context.Context, t TCTI) (link, error) {
	open, ok := map[string]func(context.Context, TCTI) (link, error){
		"device": openDevice, "swtpm": dialSWTPM, "mssim": dialMSSIM, "tabrmd": dialTabrmd,
	}[t.Kind]
	if !ok {
		return nil, fmt.Errorf("%q is no way to a TPM: expected device, swtpm, mssim or tabrmd", t.Kind)
	}
	l, err := open(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	return l, nil
}

const (
	headerSize = 10
	// maxResponse is what the reference implementation answers at most.
	maxResponse = 4096
)

// responseSize returns the length that a response's header announces.
func responseSize(header []byte) (int, error) {
	n := binary.BigEndian.Uint32(header[2:])
	if n < headerSize || n > maxResponse {
		return 0, fmt.Errorf("a response of the TPM announces %d bytes, possible are %d to %d", n, headerSize, maxResponse)
	}
	return int(n), nil
}

// readResponse reads one response from a stream.
func readResponse(r io.Reader) ([]byte, error) {
	b := make([]byte, headerSize, 256)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fmt.Errorf("cannot read the TPM's response: %w", err)
	}
	n, err := responseSize(b)
	if err != nil {
		return nil, err
	}
	b = append(b, make([]byte, n-headerSize)...)
	if _, err := io.ReadFull(r, b[headerSize:]); err != nil {
		return nil, fmt.Errorf("the TPM's response ends after less than %d bytes: %w", n, err)
	}
	return b, nil
}
