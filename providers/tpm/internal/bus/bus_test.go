package bus_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/providers/tpm/internal/bus"
	"github.com/seed-73b3884f/parsec-agent/providers/tpm/tpmtest"
)

const daemon = "org.freedesktop.DBus"

// TestRealBus speaks with a dbus-daemon.
func TestRealBus(t *testing.T) {
	b := tpmtest.StartBus(t)
	sockets, err := bus.Session()
	if err != nil {
		t.Fatal(err)
	}
	c, err := bus.Dial(t.Context(), append([]string{b.Socket + "-not"}, sockets...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for range 3 {
		files, err := c.Call(t.Context(), bus.Method{Destination: daemon, Path: "/org/freedesktop/DBus", Interface: daemon, Member: "GetId"})
		if err != nil || len(files) != 0 {
			t.Fatalf("%v, %v", files, err)
		}
		_, err = c.Call(t.Context(), bus.Method{Destination: "org.example.Nobody", Path: "/", Interface: "org.example", Member: "Nothing"})
		if e, ok := errors.AsType[*bus.Error](err); !ok || e.Name != daemon+".Error.ServiceUnknown" || !strings.Contains(e.Text, "org.example.Nobody") {
			t.Fatalf("%v", err)
		}
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string][]string{
		"unix:path=/run/a": {"/run/a"}, "unix:path=/run/a%20b,guid=12;unix:abstract=c": {"/run/a b", "@c"},
		"tcp:host=localhost,port=1;unix:guid=1,path=/d": {"/d"},
		"tcp:host=localhost":                            nil, "unix:path=": nil, "unix": nil, "unix:path=/a%2": nil, "unix:path=/a%00": nil,
	} {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
		for _, find := range []func() ([]string, error){bus.Session, bus.System} {
			got, err := find()
			if !slices.Equal(got, want) || (err == nil) != (want != nil) {
				t.Errorf("%q: %q, %v", address, got, err)
			}
		}
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	session, _ := bus.Session()
	system, _ := bus.System()
	if !slices.Equal(session, []string{"/run/user/7/bus"}) || !slices.Equal(system, []string{"/run/dbus/system_bus_socket"}) {
		t.Errorf("%q, %q", session, system)
	}
}

// serve is a bus that authenticates everybody and then lets the test answer.
func serve(t *testing.T, answers []string, then func(*net.UnixConn)) string {
	t.Helper()
	path := filepath.Join(shortDir(t), "bus")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.AcceptUnix()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		b := make([]byte, 4096)
		for _, answer := range answers {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write([]byte(answer)); err != nil {
				return
			}
		}
		if then != nil {
			then(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return path
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "bus-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var welcome = []string{"OK 0123\r\n", "AGREE_UNIX_FD\r\n"}

// reply is an answer to call 1 with fields of a test's own.
func reply(order binary.AppendByteOrder, mark byte, fields, body []byte) []byte {
	b := []byte{mark, 2, 0, 1}
	b = order.AppendUint32(b, uint32(len(body)))
	b = order.AppendUint32(b, 9)
	b = order.AppendUint32(b, uint32(len(fields)))
	b = append(b, fields...)
	b = append(b, make([]byte, -len(b)&7)...)
	return append(b, body...)
}

// hear waits for the client's greeting.
func hear(c *net.UnixConn) {
	b := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "Hello"); {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		text += string(b[:n])
	}
}

// pass sends an answer with so many descriptors.
func pass(t *testing.T, c *net.UnixConn, n int) {
	t.Helper()
	fds := make([]int, n)
	b := reply(binary.LittleEndian, 'l', replySerial(binary.LittleEndian), nil)
	if _, _, err := c.WriteMsgUnix(b, unix.UnixRights(fds...), nil); err != nil {
		t.Errorf("%v", err)
	}
	_, _ = io.Copy(io.Discard, c) // until the client leaves
}

func replySerial(order binary.AppendByteOrder) []byte {
	return order.AppendUint32([]byte{5, 1, 'u', 0}, 1)
}

// TestHostileBuses: nothing that a bus does makes us wait for ever, allocate much or keep
// descriptors.
func TestHostileBuses(t *testing.T) {
	say := func(b []byte) func(*net.UnixConn) {
		return func(c *net.UnixConn) {
			_, _ = c.Write(b)
			_, _ = io.Copy(io.Discard, c) // until the client leaves
		}
	}
	huge := []byte{'l', 2, 0, 1, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f}
	lacking := append(replySerial(binary.LittleEndian), []byte{9, 1, 'u', 0, 1, 0, 0, 0}...)
	for name, c := range map[string]struct {
		answers []string
		then    func(*net.UnixConn)
		want    string
	}{
		"refuses":            {[]string{"REJECTED EXTERNAL\r\n"}, nil, `answered "REJECTED EXTERNAL"`},
		"passes nothing":     {[]string{welcome[0], "ERROR no\r\n"}, nil, `"NEGOTIATE_UNIX_FD"`},
		"talks":              {[]string{strings.Repeat("x", 1000)}, nil, "more than 512 bytes"},
		"ends early":         {[]string{"OK"}, nil, "while it authenticated us"},
		"closes":             {welcome, hear, "closed the connection"},
		"passes too much":    {welcome, func(c *net.UnixConn) { hear(c); pass(t, c, 40) }, "more than 16 descriptors"},
		"says nothing":       {welcome, say(nil), "i/o timeout"},
		"says rubbish":       {welcome, say([]byte("HTTP/1.1 400 Bad Request")), "malformed D-Bus message: it begins with byte 0x48"},
		"announces much":     {welcome, say(huge), "are too many"},
		"other version":      {welcome, say([]byte{'l', 2, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}), "version 2"},
		"fields of no kind":  {welcome, say(reply(binary.LittleEndian, 'l', []byte{5, 1, 'a', 0, 1, 0, 0, 0}, nil)), `has the type "a"`},
		"missing descriptor": {welcome, say(reply(binary.LittleEndian, 'l', lacking, nil)), "announces 1 descriptors, 0 came"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			conn, err := bus.Dial(ctx, []string{serve(t, c.answers, c.then)})
			if err == nil {
				_ = conn.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestByteOrders: an answer may have either.
func TestByteOrders(t *testing.T) {
	for mark, order := range map[byte]binary.AppendByteOrder{'l': binary.LittleEndian, 'B': binary.BigEndian} {
		path := serve(t, welcome, func(c *net.UnixConn) {
			hear(c)
			_, _ = c.Write(reply(order, mark, replySerial(order), []byte("body")))
			_, _ = io.Copy(io.Discard, c)
		})
		c, err := bus.Dial(t.Context(), []string{path})
		if err != nil {
			t.Errorf("%c: %v", mark, err)
			continue
		}
		_ = c.Close()
	}
}

// TestDescriptorsThatNobodyWants are closed: a bus cannot fill our table of them.
func TestDescriptorsThatNobodyWants(t *testing.T) {
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := open()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	path := serve(t, welcome, func(c *net.UnixConn) { hear(c); pass(t, c, 8) })
	if _, err := bus.Dial(ctx, []string{path}); err == nil || !strings.Contains(err.Error(), "announces 0 descriptors, 8 came") {
		t.Errorf("%v", err)
	}
	if n := open() - before; n > 3 { // the listener, and the other end until it notices
		t.Errorf("%d descriptors were left open", n)
	}
}
