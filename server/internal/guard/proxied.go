package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// proxied is a connection whose first bytes say who is behind it. They are read when
// somebody asks, in the goroutine of the connection and not in that of the listener.
type proxied struct {
	net.Conn

	once   sync.Once
	client net.Addr
	err    error
}

// headerLimit bounds how long a proxy may take to say it.
const headerLimit = 5 * time.Second

func (p *proxied) header() {
	p.once.Do(func() {
		p.client = p.Conn.RemoteAddr()
		if p.err = p.SetReadDeadline(time.Now().Add(headerLimit)); p.err != nil {
			return
		}
		client, err := readProxyHeader(p.Conn)
		if p.err = errors.Join(err, p.SetReadDeadline(time.Time{})); p.err == nil && client.IsValid() {
			p.client = net.TCPAddrFromAddrPort(client)
		}
	})
}

// RemoteAddr returns the client's address.
func (p *proxied) RemoteAddr() net.Addr {
	p.header()
	return p.client
}

// Read reads what comes after the header.
func (p *proxied) Read(b []byte) (int, error) {
	if p.header(); p.err != nil {
		return 0, p.err
	}
	return p.Conn.Read(b)
}

// ReadFrom lets the system send files by itself.
func (p *proxied) ReadFrom(r io.Reader) (int64, error) { return io.Copy(p.Conn, r) }

var errProxyHeader = errors.New("no header of the PROXY protocol")

const (
	signature  = "\r\n\r\n\x00\r\nQUIT\n" // of version 2
	maxLine    = 107                      // of version 1
	maxAddress = 2048                     // of version 2, with what comes after the addresses
)

// readProxyHeader reads a header and nothing after it. No address means that the proxy
// speaks for itself.
func readProxyHeader(r io.Reader) (netip.AddrPort, error) {
	start := make([]byte, len(signature)) // shorter than every header
	if _, err := io.ReadFull(r, start); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", errProxyHeader, err)
	}
	if string(start) == signature {
		return readBinaryHeader(r)
	}
	if !strings.HasPrefix(string(start), "PROXY ") {
		return netip.AddrPort{}, errProxyHeader
	}
	line := start
	for one := make([]byte, 1); !strings.HasSuffix(string(line), "\r\n"); line = append(line, one[0]) {
		if len(line) == maxLine {
			return netip.AddrPort{}, errProxyHeader
		}
		if _, err := io.ReadFull(r, one); err != nil {
			return netip.AddrPort{}, fmt.Errorf("%w: %w", errProxyHeader, err)
		}
	}
	return parseProxyLine(strings.TrimSuffix(string(line), "\r\n"))
}

func parseProxyLine(line string) (netip.AddrPort, error) {
	fields := strings.Split(line, " ")
	if fields[1] == "UNKNOWN" {
		return netip.AddrPort{}, nil
	}
	if len(fields) != 6 || fields[1] != "TCP4" && fields[1] != "TCP6" {
		return netip.AddrPort{}, errProxyHeader
	}
	a, err := netip.ParseAddr(fields[2])
	if err != nil || a.Is4() != (fields[1] == "TCP4") || a.Zone() != "" {
		return netip.AddrPort{}, errProxyHeader
	}
	port, err := strconv.ParseUint(fields[4], 10, 16)
	if err != nil {
		return netip.AddrPort{}, errProxyHeader
	}
	return netip.AddrPortFrom(a, uint16(port)), nil
}

// readBinaryHeader reads what comes after the signature: version and command, family,
// length, addresses of source and destination, their ports.
func readBinaryHeader(r io.Reader) (netip.AddrPort, error) {
	fixed := make([]byte, 4)
	if _, err := io.ReadFull(r, fixed); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", errProxyHeader, err)
	}
	size := int(binary.BigEndian.Uint16(fixed[2:]))
	if fixed[0]>>4 != 2 || fixed[0]&0x0f > 1 || size > maxAddress {
		return netip.AddrPort{}, errProxyHeader
	}
	rest := make([]byte, size)
	if _, err := io.ReadFull(r, rest); err != nil {
		return netip.AddrPort{}, fmt.Errorf("%w: %w", errProxyHeader, err)
	}
	width := map[byte]int{0x11: 4, 0x21: 16}[fixed[1]] // TCP over IPv4, over IPv6
	if local := fixed[0]&0x0f == 0; local || width == 0 {
		return netip.AddrPort{}, nil
	}
	if len(rest) < 2*width+4 {
		return netip.AddrPort{}, errProxyHeader
	}
	a, _ := netip.AddrFromSlice(rest[:width]) // of a length that it takes
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(rest[2*width:])), nil
}
