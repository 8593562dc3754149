package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	// commandTimeout bounds one command: an RSA key of 4096 bits takes a TPM minutes.
	commandTimeout = 5 * time.Minute
)

var dialer = net.Dialer{Timeout: dialTimeout}

// socket is a stream to a software TPM.
type socket struct {
	net.Conn
	// simulator speaks the protocol of Microsoft's simulator, not bare commands.
	simulator bool
}

func address(t TCTI, offset uint16) string {
	return net.JoinHostPort(t.Host, strconv.Itoa(int(t.Port)+int(offset)))
}

// dialSWTPM connects to swtpm's data channel.
func dialSWTPM(ctx context.Context, t TCTI) (link, error) {
	network, where := "tcp", address(t, 0)
	if t.Path != "" {
		network, where = "unix", t.Path
	}
	c, err := dialer.DialContext(ctx, network, where)
	if err != nil {
		return nil, fmt.Errorf("%w; see whether swtpm runs", err)
	}
	return &socket{Conn: c}, nil
}

// The commands of the simulator's protocol.
const (
	simPowerOn     uint32 = 1
	simSendCommand uint32 = 8
	simNVOn        uint32 = 11
	simSessionEnd  uint32 = 20
)

// dialMSSIM switches the simulator on through its platform port, the next one, and
// connects to its command port.
func dialMSSIM(ctx context.Context, t TCTI) (link, error) {
	platform, err := dialer.DialContext(ctx, "tcp", address(t, 1))
	if err != nil {
		return nil, fmt.Errorf("platform port: %w; see whether the simulator runs", err)
	}
	err = switchOn(platform)
	if err := errors.Join(err, platform.Close()); err != nil {
		return nil, fmt.Errorf("platform port: %w", err)
	}
	c, err := dialer.DialContext(ctx, "tcp", address(t, 0))
	if err != nil {
		return nil, err
	}
	return &socket{Conn: c, simulator: true}, nil
}

func switchOn(platform net.Conn) error {
	if err := platform.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	for _, order := range []uint32{simPowerOn, simNVOn} {
		if _, err := platform.Write(binary.BigEndian.AppendUint32(nil, order)); err != nil {
			return err
		}
		if err := acknowledged(platform); err != nil {
			return fmt.Errorf("order %d: %w", order, err)
		}
	}
	_, err := platform.Write(binary.BigEndian.AppendUint32(nil, simSessionEnd))
	return err
}

func acknowledged(r io.Reader) error {
	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return fmt.Errorf("no acknowledgement: %w", err)
	}
	if n := binary.BigEndian.Uint32(word[:]); n != 0 {
		return fmt.Errorf("the simulator answered %d", n)
	}
	return nil
}

func (s *socket) transmit(command []byte) ([]byte, error) {
	if err := s.SetDeadline(time.Now().Add(commandTimeout)); err != nil {
		return nil, err
	}
	if s.simulator {
		return s.simulate(command)
	}
	if _, err := s.Write(command); err != nil {
		return nil, fmt.Errorf("cannot send a command to the TPM: %w", err)
	}
	return readResponse(s)
}

// simulate wraps a command: order, locality 0, length; the response comes with its length
// before and an acknowledgement after it.
func (s *socket) simulate(command []byte) ([]byte, error) {
	b := binary.BigEndian.AppendUint32(nil, simSendCommand)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(command))) //nolint:gosec // a command has some hundred bytes
	if _, err := s.Write(append(b, command...)); err != nil {
		return nil, fmt.Errorf("cannot send a command to the TPM: %w", err)
	}
	var size [4]byte
	if _, err := io.ReadFull(s, size[:]); err != nil {
		return nil, fmt.Errorf("cannot read the TPM's response: %w", err)
	}
	response, err := readResponse(s)
	if err != nil {
		return nil, err
	}
	if n := binary.BigEndian.Uint32(size[:]); int64(n) != int64(len(response)) {
		return nil, fmt.Errorf("the simulator announces %d bytes, the response has %d", n, len(response))
	}
	return response, acknowledged(s)
}

// Close says goodbye to a simulator and closes the connection.
func (s *socket) Close() error {
	if !s.simulator {
		return s.Conn.Close()
	}
	_, err := s.Write(binary.BigEndian.AppendUint32(nil, simSessionEnd))
	return errors.Join(err, s.Conn.Close())
}
