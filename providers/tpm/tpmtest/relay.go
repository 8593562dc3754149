package tpmtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm"
)

// Relay stands between a provider and a TPM. It passes commands on, one connection at a
// time, and lets a test look at them and spoil them.
type Relay struct {
	// Intercept is called with every command; a response that it returns is sent instead of
	// the TPM's. ErrHangUp closes the connection. It may be nil.
	Intercept func(command []byte) ([]byte, error)
	// Spoil may change a response of the TPM. It may be nil.
	Spoil func(command, response []byte)

	tpm       *TPM
	tcti      tpm.TCTI
	simulator bool
	listeners []net.Listener
	serving   sync.WaitGroup
	mu        sync.Mutex // guards the field below
	open      map[net.Conn]bool
}

// ErrHangUp is returned by an Intercept that wants the connection closed.
var ErrHangUp = errors.New("hang up")

// NewRelay listens on a Unix socket of its own until the test ends.
func NewRelay(t testing.TB, v *TPM) *Relay {
	t.Helper()
	path := filepath.Join(v.dir, "relay")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{tpm: v, tcti: tpm.TCTI{Kind: "swtpm", Path: path}}
	r.serve(t, l, r.commands)
	return r
}

// NewSimulator listens on two TCP ports and speaks the protocol of Microsoft's simulator.
func NewSimulator(t testing.TB, v *TPM) *Relay {
	t.Helper()
	r := &Relay{tpm: v, simulator: true, tcti: tpm.TCTI{Kind: "mssim", Host: "127.0.0.1", Port: freePorts(t)}}
	for offset, handle := range []func(net.Conn) error{r.commands, platform} {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", int(r.tcti.Port)+offset))
		if err != nil {
			t.Fatal(err)
		}
		r.serve(t, l, handle)
	}
	return r
}

// TCTI is the way to the relay.
func (r *Relay) TCTI() tpm.TCTI { return r.tcti }

func (r *Relay) serve(t testing.TB, l net.Listener, handle func(net.Conn) error) {
	r.listeners = append(r.listeners, l)
	r.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.track(c, true)
			if err := handle(c); err != nil && !errors.Is(err, ErrHangUp) && !errors.Is(err, net.ErrClosed) {
				t.Logf("relay: %v", err)
			}
			r.track(c, false)
			_ = c.Close() // Close may have been faster
		}
	})
	t.Cleanup(r.Close)
}

func (r *Relay) track(c net.Conn, open bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open = map[net.Conn]bool{}
	}
	r.open[c] = open
}

// Close ends the relay before the test does.
func (r *Relay) Close() {
	for _, l := range r.listeners {
		_ = l.Close() // ends Accept
	}
	r.mu.Lock()
	for c, open := range r.open {
		if open {
			_ = c.Close() // ends its reader
		}
	}
	r.mu.Unlock()
	r.serving.Wait()
}

// platform acknowledges every order of the simulator's platform port.
func platform(c net.Conn) error {
	for {
		var order [4]byte
		if _, err := io.ReadFull(c, order[:]); err != nil {
			return err
		}
		if binary.BigEndian.Uint32(order[:]) == 20 { // end of the session
			return nil
		}
		if _, err := c.Write(make([]byte, 4)); err != nil {
			return err
		}
	}
}

func (r *Relay) commands(c net.Conn) error {
	up, err := r.tpm.Dial()
	if err != nil {
		return err
	}
	defer func() { _ = up.Close() }()
	for {
		command, err := r.command(c)
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		response, err := r.answer(up, command)
		if err != nil {
			return err
		}
		if r.simulator {
			response = append(binary.BigEndian.AppendUint32(nil, uint32(len(response))), append(response, 0, 0, 0, 0)...)
		}
		if _, err := c.Write(response); err != nil {
			return err
		}
	}
}

// command reads one command, in a simulator's frame or bare.
func (r *Relay) command(c net.Conn) ([]byte, error) {
	if r.simulator {
		frame := make([]byte, 9) // order, locality, length
		if _, err := io.ReadFull(c, frame[:4]); err != nil {
			return nil, err
		}
		if order := binary.BigEndian.Uint32(frame); order != 8 {
			return nil, io.EOF
		}
		if _, err := io.ReadFull(c, frame[4:]); err != nil {
			return nil, err
		}
	}
	return message(c)
}

func (r *Relay) answer(up net.Conn, command []byte) ([]byte, error) {
	if r.Intercept != nil {
		if response, err := r.Intercept(command); err != nil || response != nil {
			return response, err
		}
	}
	if _, err := up.Write(command); err != nil {
		return nil, err
	}
	response, err := message(up)
	if err == nil && r.Spoil != nil {
		r.Spoil(command, response)
	}
	return response, err
}

// message reads a command or a response.
func message(c net.Conn) ([]byte, error) {
	header := make([]byte, 10)
	if _, err := io.ReadFull(c, header); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[2:])
	if n < 10 || n > 4096 {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	b := make([]byte, n)
	copy(b, header)
	_, err := io.ReadFull(c, b[10:])
	return b, err
}

// Code returns the number of a command.
func Code(command []byte) uint32 { return binary.BigEndian.Uint32(command[6:]) }

// Refusal is a response that holds nothing but a response code.
func Refusal(rc uint32) []byte {
	b := []byte{0x80, 0x01, 0, 0, 0, 10}
	return binary.BigEndian.AppendUint32(b, rc)
}
