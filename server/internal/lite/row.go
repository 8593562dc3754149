package lite

import (
	"bytes"
	"database/sql"
	"fmt"

	lib "modernc.org/sqlite/lib"
)

// Row is what a statement found, for the time of a call.
type Row struct {
	s       *statement
	columns int
}

// Scan reads the columns. Bytes that an sql.Scanner gets are SQLite's: it must not keep them.
func (r *Row) Scan(dest ...any) error {
	if len(dest) != r.columns {
		return fmt.Errorf("%d columns are read of %d", len(dest), r.columns)
	}
	for i, d := range dest {
		if err := r.column(int32(i), d); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *Row) column(i int32, dest any) error {
	if s, ok := dest.(sql.Scanner); ok {
		return s.Scan(r.value(i))
	}
	var ok bool
	v := r.value(i)
	switch d := dest.(type) {
	case *int64:
		*d, ok = v.(int64)
	case *string:
		*d, ok = v.(string)
	case *[]byte:
		if v == nil {
			*d = nil
			return nil
		}
		var b []byte
		b, ok = v.([]byte)
		*d = bytes.Clone(b)
	case **int64:
		*d, ok = maybe[int64](v)
	case **string:
		*d, ok = maybe[string](v)
	case *int:
		var n int64
		n, ok = v.(int64)
		*d = int(n)
	default:
		return fmt.Errorf("%T is no type to read into", dest)
	}
	if !ok {
		return fmt.Errorf("%T stands where a %T is read", v, dest)
	}
	return nil
}

// maybe is a value that may be null.
func maybe[T any](v any) (*T, bool) {
	if v == nil {
		return nil, true
	}
	t, ok := v.(T)
	return &t, ok
}

// value is a column as it is.
func (r *Row) value(i int32) any {
	tls, h := r.s.c.tls, r.s.handle
	switch lib.Xsqlite3_column_type(tls, h, i) {
	case lib.SQLITE_INTEGER:
		return lib.Xsqlite3_column_int64(tls, h, i)
	case lib.SQLITE_TEXT:
		p := lib.Xsqlite3_column_text(tls, h, i)
		return string(span{p, int(lib.Xsqlite3_column_bytes(tls, h, i))}.bytes())
	case lib.SQLITE_BLOB:
		p := lib.Xsqlite3_column_blob(tls, h, i)
		n := int(lib.Xsqlite3_column_bytes(tls, h, i))
		if n == 0 {
			return []byte{}
		}
		return span{p, n}.bytes()
	case lib.SQLITE_FLOAT:
		return lib.Xsqlite3_column_double(tls, h, i)
	}
	return nil
}
