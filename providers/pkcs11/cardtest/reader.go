package cardtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Slots is how many slots a reader has, which the driver decides.
const Slots = 2

// Reader is a reader with slots. The driver of vsmartcard-vpcd listens on a port for each
// slot, one after the other in number: a connection is a card, its end the card's removal.
type Reader struct{ slots [Slots]*slot }

// slot keeps a connection while a card is in it and pcscd runs.
type slot struct {
	mu   sync.Mutex // guards the fields below
	card *Card      // nil when the slot is empty
	addr string     // of the driver, empty when pcscd does not run
	// current ends the connection; nil when there is none.
	current *link
}

// link is the way of one card in one slot to one pcscd.
type link struct {
	ended context.CancelFunc
	gone  chan struct{}
}

// NewReader makes an empty reader, whose cards are removed when the test ends.
func NewReader(tb testing.TB) *Reader {
	tb.Helper()
	r := &Reader{}
	for i := range r.slots {
		r.slots[i] = &slot{}
	}
	tb.Cleanup(func() {
		for i := range r.slots {
			r.Remove(i)
		}
	})
	return r
}

// Insert puts a card into a slot. pcscd looks for it every 0.4 seconds.
func (r *Reader) Insert(n int, c *Card) { r.slots[n].set(func(s *slot) { s.card = c }) }

// Remove empties a slot at once, also in the middle of a command. The card loses its
// session.
func (r *Reader) Remove(n int) { r.slots[n].set(func(s *slot) { s.card = nil }) }

// attach says where the driver listens; port 0 says that it does not.
func (r *Reader) attach(port int) {
	for i, s := range r.slots {
		addr := ""
		if port != 0 {
			addr = fmt.Sprintf("127.0.0.1:%d", port+i)
		}
		s.set(func(s *slot) { s.addr = addr })
	}
}

// set changes the slot and connects anew.
func (s *slot) set(change func(*slot)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil {
		s.current.ended()
		<-s.current.gone
		s.current = nil
	}
	change(s)
	if s.card == nil || s.addr == "" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &link{ended: cancel, gone: make(chan struct{})}
	s.current = l
	go func(card *Card, addr string) {
		defer close(l.gone)
		connect(ctx, card, addr)
		card.power(false)
	}(s.card, s.addr)
}

// connect speaks with the driver, which ends the connection when it gives a card up, until
// ctx ends.
func connect(ctx context.Context, card *Card, addr string) {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", addr)
		if err != nil {
			pause(ctx)
			continue
		}
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		_ = serve(prompt{conn}, card) // it ends with the connection, for whatever reason
		if stop() {
			_ = conn.Close()
		}
	}
}

// prompt is a connection that acknowledges at once what it reads. The driver of Debian 12
// sends length and content in two writes, the second of which waits for the acknowledgement
// of the first: 40 ms for each command otherwise.
type prompt struct{ net.Conn }

func (p prompt) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if raw, ok := p.Conn.(syscall.Conn); ok && err == nil {
		if c, failed := raw.SyscallConn(); failed == nil {
			err = c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
		}
	}
	return n, err
}

// pause is between tries to connect.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Millisecond):
	}
}

// The messages of one byte. Longer ones are command APDUs.
const (
	controlOff   = 0
	controlOn    = 1
	controlReset = 2
	controlATR   = 4
)

var errControl = errors.New("unknown control message")

// serve speaks with the driver: messages with a length of two bytes before them.
func serve(conn io.ReadWriter, card *Card) error {
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return err
		}
		message := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, message); err != nil {
			return err
		}
		out, err := react(card, message)
		if err != nil {
			return err
		}
		if out == nil {
			continue
		}
		out = append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// react returns the answer to a message, nil where the driver expects none.
func react(card *Card, message []byte) ([]byte, error) {
	if len(message) != 1 {
		return card.Transmit(message), nil
	}
	switch message[0] {
	case controlOff:
		card.power(false)
		return nil, nil
	case controlOn, controlReset:
		card.power(true)
		return nil, nil
	case controlATR:
		return atr, nil
	default:
		return nil, errControl
	}
}
