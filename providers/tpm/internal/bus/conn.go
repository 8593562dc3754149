package bus

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience bounds what has no deadline: the connection, and one call. A bus that has to
// start the service takes its time.
const patience = 30 * time.Second

// Conn is a connection to a bus.
type Conn struct {
	conn   *net.UnixConn
	serial uint32
	files  []int // descriptors that arrived with the message that is read
}

// Error is an error that a service or the bus itself answered.
type Error struct {
	// Name is the error's name, such as "org.freedesktop.DBus.Error.ServiceUnknown".
	Name, Text string
}

// Error returns name and text.
func (e *Error) Error() string {
	return strings.TrimSuffix(cut(e.Name)+": "+cut(e.Text), ": ")
}

// cut bounds what others say in our messages.
func cut(s string) string { return s[:min(len(s), 200)] }

// Dial connects to the first of the sockets that takes connections, and says hello.
func Dial(ctx context.Context, sockets []string) (*Conn, error) {
	var failed []error
	for _, name := range sockets {
		c, err := dial(ctx, name)
		if err == nil {
			return c, nil
		}
		failed = append(failed, fmt.Errorf("the bus at %s: %w", name, err))
	}
	return nil, errors.Join(failed...)
}

func dial(ctx context.Context, name string) (*Conn, error) {
	d := net.Dialer{Timeout: patience}
	conn, err := d.DialContext(ctx, "unix", name)
	if err != nil {
		return nil, err
	}
	c := &Conn{}
	var ok bool
	if c.conn, ok = conn.(*net.UnixConn); !ok {
		return nil, errors.Join(errors.New("it is no Unix socket"), conn.Close())
	}
	if err = c.limit(ctx); err == nil {
		err = c.authenticate()
	}
	if err == nil {
		_, err = c.Call(ctx, Method{"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// limit sets the deadline: the caller's, if it is sooner than ours.
func (c *Conn) limit(ctx context.Context) error {
	end := time.Now().Add(patience)
	if t, ok := ctx.Deadline(); ok && t.Before(end) {
		end = t
	}
	return c.conn.SetDeadline(end)
}

// authenticate shows who we are, by what the kernel says of us, and asks for descriptors.
func (c *Conn) authenticate() error {
	uid := hex.EncodeToString([]byte(strconv.Itoa(os.Geteuid())))
	for _, step := range []struct{ say, want string }{
		{"\x00AUTH EXTERNAL " + uid, "OK "}, {"NEGOTIATE_UNIX_FD", "AGREE_UNIX_FD"},
	} {
		if _, err := c.conn.Write([]byte(step.say + "\r\n")); err != nil {
			return err
		}
		line, err := c.line()
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, step.want) {
			return fmt.Errorf("it answered %q to %q", line, strings.TrimPrefix(step.say, "\x00"))
		}
	}
	_, err := c.conn.Write([]byte("BEGIN\r\n"))
	return err
}

// line reads a line of the authentication, byte by byte: what follows it is not ours.
func (c *Conn) line() (string, error) {
	const most = 512
	var b []byte
	for len(b) < most {
		var one [1]byte
		if _, err := c.conn.Read(one[:]); err != nil {
			return "", fmt.Errorf("it ended while it authenticated us: %w", err)
		}
		b = append(b, one[0])
		if text, ok := strings.CutSuffix(string(b), "\r\n"); ok {
			return text, nil
		}
	}
	return "", fmt.Errorf("it answered more than %d bytes to the authentication", most)
}

// Call calls a method and returns the descriptors that come with its answer, which are the
// caller's to close. Signals and other messages that arrive meanwhile are dropped.
func (c *Conn) Call(ctx context.Context, m Method) ([]*os.File, error) {
	if err := c.limit(ctx); err != nil {
		return nil, err
	}
	c.serial++
	if _, err := c.conn.Write(m.append(nil, c.serial)); err != nil {
		return nil, err
	}
	for {
		answer, err := c.receive()
		if err != nil {
			c.drop()
			return nil, err
		}
		if answer.reply != c.serial {
			c.drop()
			continue
		}
		switch answer.kind {
		case methodReturn:
			return c.take(m.Member), nil
		case methodError:
			c.drop()
			return nil, &Error{answer.errorName, answer.text()}
		default:
			c.drop()
		}
	}
}

// receive reads one message; its descriptors are then in c.files.
func (c *Conn) receive() (*message, error) {
	var fixed [fixedSize]byte
	if err := c.fill(fixed[:]); err != nil {
		return nil, err
	}
	_, _, padded, body, err := lengths(fixed[:])
	if err != nil {
		return nil, err
	}
	b := make([]byte, fixedSize+padded+body)
	if err := c.fill(b[copy(b, fixed[:]):]); err != nil {
		return nil, err
	}
	m, err := decode(b)
	if err == nil && int64(m.descriptors) != int64(len(c.files)) {
		err = fmt.Errorf("%w: it announces %d descriptors, %d came", ErrMalformed, m.descriptors, len(c.files))
	}
	return m, err
}

// fill reads len(b) bytes and keeps the descriptors that come with them.
func (c *Conn) fill(b []byte) error {
	for len(b) > 0 {
		oob := make([]byte, unix.CmsgSpace(4*maxDescriptors))
		n, oobn, flags, _, err := c.conn.ReadMsgUnix(b, oob)
		if err := c.keep(oob[:oobn]); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF):
			return errors.New("the bus closed the connection")
		case err != nil:
			return fmt.Errorf("the bus does not answer: %w", err)
		case flags&unix.MSG_CTRUNC != 0:
			return fmt.Errorf("%w: it brings more than %d descriptors", ErrMalformed, maxDescriptors)
		}
		b = b[n:]
	}
	return nil
}

func (c *Conn) keep(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil {
			c.files = append(c.files, fds...)
		}
	}
	return nil
}

func (c *Conn) take(name string) []*os.File {
	var files []*os.File
	for _, fd := range c.files {
		files = append(files, os.NewFile(uintptr(fd), name))
	}
	c.files = nil
	return files
}

// drop closes the descriptors of a message that nobody asked for.
func (c *Conn) drop() {
	for _, fd := range c.files {
		_ = unix.Close(fd) // it was never used
	}
	c.files = nil
}

// Close closes the connection. Descriptors that came over it stay open.
func (c *Conn) Close() error { return c.conn.Close() }
