package lite

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	lib "modernc.org/sqlite/lib"
)

func open(t *testing.T, o Options) *Conn {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "with space?#.sqlite3"), o)
}

func openAt(t *testing.T, path string, o Options) *Conn {
	t.Helper()
	c, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func exec(t *testing.T, c *Conn, text string, args ...any) int64 {
	t.Helper()
	n, err := c.Exec(text, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// scanned keeps what a Scanner gets.
type scanned struct{ v any }

func (s *scanned) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = bytes.Clone(b)
	}
	s.v = v
	return nil
}

// TestValues: what goes in comes out, in whatever order arguments stand in the text, and however large they are.
func TestValues(t *testing.T) {
	c := open(t, Options{Pragmas: []string{"journal_mode(WAL)"}})
	exec(t, c, "CREATE TABLE t (n INTEGER, s TEXT, b BLOB) STRICT")
	for _, v := range []struct{ n, s, b any }{
		{int64(-1 << 63), "é\x00x", []byte{0, 1, 0xff}},
		{int64(1<<63 - 1), "", []byte{}},
		{nil, nil, nil},
		{int64(0), nil, []byte(nil)},
		{int64(7), strings.Repeat("x", maxRoom), bytes.Repeat([]byte{9}, 1<<20)},
		{int64(8), "after a large one", []byte("b")},
	} {
		exec(t, c, "DELETE FROM t")
		if n := exec(t, c, "INSERT INTO t (b, s, n) VALUES ($3, $2, $1)", v.n, v.s, v.b); n != 1 {
			t.Errorf("%d rows are changed", n)
		}
		if b, ok := v.b.([]byte); ok && b == nil {
			v.b = nil
		}
		rows := 0
		err := c.Each("SELECT n, s, b, n, s, b FROM t WHERE $1 = $1 AND n IS $2", []any{int64(1), v.n}, func(r *Row) error {
			rows++
			var n *int64
			var s *string
			var b []byte
			values := [3]scanned{}
			if err := r.Scan(&n, &s, &b, &values[0], &values[1], &values[2]); err != nil {
				return err
			}
			if (n == nil) != (v.n == nil) || n != nil && *n != v.n || values[0].v != v.n {
				t.Errorf("number %v, %v, want %v", n, values[0].v, v.n)
			}
			if (s == nil) != (v.s == nil) || s != nil && *s != v.s || values[1].v != v.s {
				t.Errorf("text %v, %v, want %v", s, values[1].v, v.s)
			}
			want, _ := v.b.([]byte)
			got, _ := values[2].v.([]byte)
			if !bytes.Equal(b, want) || (b == nil) != (v.b == nil) || !bytes.Equal(got, want) || (values[2].v == nil) != (v.b == nil) {
				t.Errorf("%d bytes, %v, want %d", len(b), b == nil, len(want))
			}
			return nil
		})
		if err != nil || rows != 1 {
			t.Errorf("%d rows, %v", rows, err)
		}
	}
}

// TestConverted: what may be nil, and other numbers, are taken as database/sql does.
func TestConverted(t *testing.T) {
	c := open(t, Options{})
	text := "x"
	for _, v := range []struct{ in, want any }{{&text, "x"}, {(*string)(nil), nil}, {7, int64(7)}, {uint8(3), int64(3)}} {
		got := scanned{"nothing"}
		if err := c.Each("SELECT $1", []any{v.in}, func(r *Row) error { return r.Scan(&got) }); err != nil || got.v != v.want {
			t.Errorf("%v became %v, %v", v.in, got.v, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	c := open(t, Options{})
	exec(t, c, "CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT")
	exec(t, c, "INSERT INTO t VALUES ($1)", int64(1))
	for text, args := range map[string][]any{
		"SELECT":                               nil,
		"":                                     nil,
		"-- nothing":                           nil,
		"SELECT 1; SELECT 2":                   nil,
		"SELECT ?":                             {int64(1)},
		"SELECT :name":                         {int64(1)},
		"SELECT $0":                            {int64(1)},
		"SELECT $1":                            nil,
		"SELECT $2":                            {int64(1)},
		"SELECT $1, 2":                         {struct{}{}},
		"SELECT " + strings.Repeat("x", 1<<16): nil,
	} {
		if _, err := c.Exec(text, args...); err == nil {
			t.Errorf("%.30q was run", text)
		}
	}
	_, err := c.Exec("INSERT INTO t VALUES ($1)", int64(1))
	if e, ok := errors.AsType[*Error](err); !ok || e.Code() != lib.SQLITE_CONSTRAINT_PRIMARYKEY || !strings.Contains(err.Error(), "UNIQUE") {
		t.Errorf("a row twice: %v", err)
	}
	if n := exec(t, c, "INSERT INTO t VALUES ($1)", int64(2)); n != 1 { // a statement that failed can be used again
		t.Errorf("%d rows", n)
	}
	for _, dest := range [][]any{{new(string)}, {new(float64)}, {new([]byte)}, {}, {new(int64), new(int64)}, {new(*string)}} {
		if err := c.Each("SELECT n FROM t", nil, func(r *Row) error { return r.Scan(dest...) }); err == nil {
			t.Errorf("a number was read into %T", dest)
		}
	}
	stop := errors.New("enough")
	rows := 0
	if err := c.Each("SELECT n FROM t", nil, func(*Row) error { rows++; return stop }); !errors.Is(err, stop) || rows != 1 {
		t.Errorf("after an error %d rows came, %v", rows, err)
	}
}

func TestOpen(t *testing.T) {
	if c, err := Open(filepath.Join(t.TempDir(), "no", "where"), Options{}); err == nil {
		t.Errorf("opened %v", c)
	}
	if c, err := Open(filepath.Join(t.TempDir(), "a"), Options{Pragmas: []string{"("}}); err == nil {
		t.Errorf("opened %v", c)
	}
	path := filepath.Join(t.TempDir(), "b")
	if c, err := Open(path, Options{ReadOnly: true}); err == nil {
		t.Errorf("opened %v", c)
	}
	exec(t, openAt(t, path, Options{}), "CREATE TABLE t (n INTEGER)")
	reader := openAt(t, path, Options{ReadOnly: true})
	if _, err := reader.Exec("INSERT INTO t VALUES (1)"); err == nil {
		t.Error("a reader wrote")
	}
}
