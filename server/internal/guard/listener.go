package guard

import (
	"io"
	"net"
)

// Connections bound the connections of a listener.
type Connections struct {
	// Open counts them, and bounds them in all and for one address that is no trusted proxy.
	Open *Open
	// Trusted are the proxies.
	Trusted Trusted
	// ProxyProtocol says that trusted proxies begin each connection with the header of
	// HAProxy's PROXY protocol, version 1 or 2. From others it is never taken.
	ProxyProtocol bool
	// Refused counts what was closed at once.
	Refused *Counter
}

// Listen bounds the connections of a listener. What is too much is closed at once.
func Listen(l net.Listener, c Connections) net.Listener {
	if c.Open == nil {
		c.Open = NewOpen(0, 0)
	}
	return &listener{Listener: l, c: c, open: c.Open}
}

type listener struct {
	net.Listener

	c    Connections
	open *Open
}

// Accept returns the next connection that may be served.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := peer(c.RemoteAddr().String())
		trusted := l.c.Trusted.Trusts(addr)
		enter := l.open.Enter
		if trusted {
			enter = l.open.EnterProxy
		}
		leave, ok := enter(addr)
		if !ok {
			l.c.Refused.add()
			_ = c.Close() // it was refused
			continue
		}
		c = &counted{c, leave}
		if trusted && l.c.ProxyProtocol {
			c = &proxied{Conn: c}
		}
		return c, nil
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn

	leave func()
}

// ReadFrom lets the system send files by itself.
func (c *counted) ReadFrom(r io.Reader) (int64, error) { return io.Copy(c.Conn, r) }

// Close closes the connection.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
