package lite

import (
	"errors"
	"fmt"
	"math"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// Error is a failure of SQLite.
type Error struct {
	code int32
	text string
}

// Error says what SQLite says.
func (e *Error) Error() string { return fmt.Sprintf("SQLite: %s (%d)", e.text, e.code) }

// Code is SQLite's extended result code.
func (e *Error) Code() int { return int(e.code) }

// Options are how a file is opened.
type Options struct {
	// ReadOnly opens a file that is there, to read.
	ReadOnly bool
	// Pragmas are run first, such as synchronous(FULL).
	Pragmas []string
}

// busy is how long a lock of another connection is waited for, in milliseconds.
const busy = 5000

// Conn is a connection.
type Conn struct {
	tls *libc.TLS
	db  uintptr
	// out and tail are memory for one pointer each that SQLite returns.
	out, tail uintptr
	args      room
	prepared  map[string]*statement
}

// Open opens a file, and makes it unless it is to be read only.
func Open(path string, o Options) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), prepared: map[string]*statement{}}
	if err := c.open(path, o); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Conn) open(path string, o Options) error {
	if c.out = libc.Xmalloc(c.tls, 2*types.Size_t(pointer)); c.out == 0 {
		return errMemory
	}
	c.tail = c.out + pointer
	flags := int32(lib.SQLITE_OPEN_READWRITE | lib.SQLITE_OPEN_CREATE | lib.SQLITE_OPEN_NOMUTEX)
	if o.ReadOnly {
		flags = lib.SQLITE_OPEN_READONLY | lib.SQLITE_OPEN_NOMUTEX
	}
	name, err := libc.CString(path)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, name)
	code := lib.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = address(c.out) // there may be one to be closed after an error too
	if code != lib.SQLITE_OK {
		return c.fail(code)
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	lib.Xsqlite3_busy_timeout(c.tls, c.db, busy)
	for _, p := range o.Pragmas {
		if err := c.Run("PRAGMA " + p); err != nil {
			return fmt.Errorf("pragma %s: %w", p, err)
		}
	}
	return nil
}

var errMemory = errors.New("SQLite has no memory left")

// fail makes an error of a result code.
func (c *Conn) fail(code int32) error {
	if c.db == 0 {
		return &Error{code, libc.GoString(lib.Xsqlite3_errstr(c.tls, code))}
	}
	return &Error{code, libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))}
}

// Run prepares a statement without arguments, runs it to its end, and forgets it.
func (c *Conn) Run(text string) error {
	s, err := c.prepare(text, 0)
	if err != nil {
		return err
	}
	defer s.close()
	return s.run(nil, nil)
}

// Exec runs a statement to its end, and returns how many rows it changed.
func (c *Conn) Exec(text string, args ...any) (int64, error) {
	if err := c.Each(text, args, nil); err != nil {
		return 0, err
	}
	return lib.Xsqlite3_changes64(c.tls, c.db), nil
}

// Each runs a statement and calls f for every row, which must not use the connection. Texts are constants: each is prepared once.
func (c *Conn) Each(text string, args []any, f func(*Row) error) error {
	s, ok := c.prepared[text]
	if !ok {
		var err error
		if s, err = c.prepare(text, lib.SQLITE_PREPARE_PERSISTENT); err != nil {
			return err
		}
		c.prepared[text] = s
	}
	return s.run(args, f)
}

// prepare compiles the one statement that a text has.
func (c *Conn) prepare(text string, flags uint32) (*statement, error) {
	if len(text) > math.MaxInt16 {
		return nil, errors.New("a statement is too long")
	}
	p, err := libc.CString(text)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, p)
	if code := lib.Xsqlite3_prepare_v3(c.tls, c.db, p, -1, flags, c.out, c.tail); code != lib.SQLITE_OK {
		return nil, c.fail(code)
	}
	s := &statement{c: c, handle: address(c.out)}
	if s.handle == 0 {
		return nil, fmt.Errorf("%.40q is no statement", text)
	}
	s.row = Row{s: s, columns: int(lib.Xsqlite3_column_count(c.tls, s.handle))}
	if rest := libc.GoString(address(c.tail)); rest != "" {
		s.close()
		return nil, fmt.Errorf("%.40q is more than a statement", text)
	}
	if err := s.number(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Close closes the connection, and rolls back what is not committed.
func (c *Conn) Close() error {
	if c.tls == nil {
		return nil
	}
	for _, s := range c.prepared {
		s.close()
	}
	err := error(nil)
	if code := lib.Xsqlite3_close(c.tls, c.db); code != lib.SQLITE_OK { // of no connection too
		err = c.fail(code)
	}
	c.args.free(c.tls)
	libc.Xfree(c.tls, c.out)
	c.tls.Close()
	c.tls = nil
	return err
}
