package lite

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// statement is a prepared statement, which nobody else steps through meanwhile.
type statement struct {
	c      *Conn
	handle uintptr
	row    Row
	// params are the arguments that SQLite's parameters stand for, which it counts as they come in the text; most is how many arguments there are.
	params []int
	most   int
}

// number finds out which arguments $1, $2 and so on are.
func (s *statement) number() error {
	for i := range lib.Xsqlite3_bind_parameter_count(s.c.tls, s.handle) {
		name := libc.GoString(lib.Xsqlite3_bind_parameter_name(s.c.tls, s.handle, i+1))
		n, err := strconv.Atoi(strings.TrimPrefix(name, "$"))
		if err != nil || n < 1 {
			return fmt.Errorf("parameter %q is not $1 or another number", name)
		}
		s.params = append(s.params, n-1)
		s.most = max(s.most, n)
	}
	return nil
}

// close forgets the statement. What was wrong with it its last run said.
func (s *statement) close() { lib.Xsqlite3_finalize(s.c.tls, s.handle) }

// run gives a statement its arguments and steps through its rows.
func (s *statement) run(args []any, f func(*Row) error) error {
	if err := s.bind(args); err != nil {
		return err
	}
	err := s.rows(f)
	lib.Xsqlite3_reset(s.c.tls, s.handle) // it fails as the last step did
	return err
}

func (s *statement) rows(f func(*Row) error) error {
	for {
		switch code := lib.Xsqlite3_step(s.c.tls, s.handle); {
		case code == lib.SQLITE_DONE:
			return nil
		case code != lib.SQLITE_ROW:
			return s.c.fail(code)
		case f == nil:
		default:
			if err := f(&s.row); err != nil {
				return err
			}
		}
	}
}

// bind gives a statement its arguments, all of them: what it had before is in memory that is used again.
func (s *statement) bind(args []any) error {
	if len(args) != s.most {
		return fmt.Errorf("%d arguments stand where %d are expected", len(args), s.most)
	}
	args, size, err := plain(args)
	if err != nil {
		return err
	}
	room, err := s.c.args.get(s.c.tls, size)
	if err != nil {
		return err
	}
	for i, n := range s.params {
		if room, err = s.bindOne(int32(i+1), args[n], room); err != nil {
			return fmt.Errorf("argument %d: %w", n+1, err)
		}
	}
	return nil
}

// plain returns arguments of the types that SQLite has, and how much memory they need. What others there are is converted as database/sql does: pointers that may be nil, numbers.
func plain(args []any) (_ []any, size int, err error) {
	for i, a := range args {
		switch a.(type) {
		case nil, int64, string, []byte:
		default:
			args = slices.Clone(args)
			if args[i], err = driver.DefaultParameterConverter.ConvertValue(a); err != nil {
				return nil, 0, fmt.Errorf("argument %d: %w", i+1, err)
			}
		}
		switch a := args[i].(type) {
		case []byte:
			size += len(a)
		case string:
			size += len(a)
		}
	}
	return args, size, nil
}

// bindOne binds an argument, for which there is room, and returns what is left of that.
func (s *statement) bindOne(i int32, a any, room span) (span, error) {
	tls := s.c.tls
	var code int32
	switch a := a.(type) {
	case nil:
		code = lib.Xsqlite3_bind_null(tls, s.handle, i)
	case int64:
		code = lib.Xsqlite3_bind_int64(tls, s.handle, i, a)
	case string:
		code = lib.Xsqlite3_bind_text(tls, s.handle, i, room.p, int32(copy(room.bytes(), a)), 0) //nolint:gosec // rows are smaller
		room = room.after(len(a))
	case []byte:
		if a == nil {
			code = lib.Xsqlite3_bind_null(tls, s.handle, i)
			break
		}
		code = lib.Xsqlite3_bind_blob(tls, s.handle, i, room.p, int32(copy(room.bytes(), a)), 0) //nolint:gosec // rows are smaller
		room = room.after(len(a))
	default:
		return room, fmt.Errorf("%T is no type of an argument", a)
	}
	if code != lib.SQLITE_OK {
		return room, s.c.fail(code)
	}
	return room, nil
}
