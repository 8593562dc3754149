package socket

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Conn is a persistent connection of one user.
type Conn struct {
	Session
	net    *net.UnixConn
	reader *wire.Reader
}

// ErrNotKept means that the service does not grant persistent connections.
var ErrNotKept = errors.New("the service does not keep the connection")

// Keep opens a persistent connection.
func (s Session) Keep(ctx context.Context) (*Conn, error) {
	conn, err := Dial(ctx, s.Path, s.UID)
	if err != nil {
		return nil, err
	}
	return &Conn{Session: s, net: conn, reader: wire.NewReader(conn, maxAnswer)}, nil
}

// Do makes a request with our flag.
func (c *Conn) Do(_ context.Context, op wire.Opcode, in, result proto.Message) error {
	frame, err := c.frame(op, wire.FlagPersistent, in)
	if err != nil {
		return err
	}
	a := c.Send(frame)
	if a.Err == nil && a.Flags&wire.FlagPersistent == 0 {
		return errors.Join(ErrNotKept, unpack(a, result))
	}
	return unpack(a, result)
}

// Send sends a frame and reads one answer. The body of the answer is the caller's.
func (c *Conn) Send(frame []byte) Answer {
	_ = c.net.SetDeadline(time.Now().Add(Wait))
	if _, err := c.net.Write(frame); err != nil {
		return Answer{Err: err}
	}
	h, body, err := c.reader.ReadResponse()
	return Answer{Header: h, Body: bytes.Clone(body), Err: err}
}

// Net is the connection itself.
func (c *Conn) Net() *net.UnixConn { return c.net }

// Close ends the connection.
func (c *Conn) Close() error { return c.net.Close() }
