package store

import (
	"database/sql"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// scanner turns a function into what both drivers read into.
type scanner func(any) error

// Scan takes a value of the driver.
func (f scanner) Scan(v any) error { return f(v) }

// fixed is 16 bytes for an id, 32 for a key or digest.
type fixed interface{ ~[16]byte | ~[32]byte }

// Fixed reads as many bytes as into has.
func Fixed[T fixed](into *T) sql.Scanner {
	return scanner(func(v any) error {
		b, ok := v.([]byte)
		if !ok {
			return fmt.Errorf("%T stands where bytes are expected", v)
		}
		return fill(into, b)
	})
}

func fill[T fixed](into *T, b []byte) error {
	if len(b) != len(*into) {
		return fmt.Errorf("%d bytes stand where %d are expected", len(b), len(*into))
	}
	for i := range b {
		(*into)[i] = b[i]
	}
	return nil
}

// MaybeFixed is Fixed for a column that may be null.
func MaybeFixed[T fixed](into **T) sql.Scanner {
	return scanner(func(v any) error {
		if v == nil {
			*into = nil
			return nil
		}
		*into = new(T)
		return Fixed(*into).Scan(v)
	})
}

// Time reads a moment.
func Time(into *trust.DateTime) sql.Scanner {
	return scanner(func(v any) error {
		micros, ok := v.(int64)
		if !ok {
			return fmt.Errorf("%T stands where a moment is expected", v)
		}
		moment, err := trust.DateTimeFromMicros(micros)
		*into = moment
		return err
	})
}

// MaybeTime reads a moment, or nil.
func MaybeTime(into **trust.DateTime) sql.Scanner {
	return scanner(func(v any) error {
		if v == nil {
			*into = nil
			return nil
		}
		*into = new(trust.DateTime)
		return Time(*into).Scan(v)
	})
}

// Bool reads 0 or 1.
func Bool(into *bool) sql.Scanner {
	return scanner(func(v any) error {
		n, ok := v.(int64)
		if !ok {
			return fmt.Errorf("%T stands where a truth value is expected", v)
		}
		*into = n != 0
		return nil
	})
}

// small is an enumeration or a count that fits.
type small interface {
	~uint8 | ~uint32 | ~uint64
}

// Small reads a number that is never negative.
func Small[T small](into *T) sql.Scanner {
	return scanner(func(v any) error {
		n, ok := v.(int64)
		if !ok || n < 0 || int64(T(n)) != n {
			return fmt.Errorf("%v (%T) stands where a small number is expected", v, v)
		}
		*into = T(n)
		return nil
	})
}

// Micros is a moment as an argument, nil for none.
func Micros(t *trust.DateTime) any {
	if t == nil {
		return nil
	}
	return t.Micros()
}

// Truth is a truth value as an argument.
func Truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Any reads a value of whatever type a column has: nil, an int64, a string or bytes.
func Any(into *any) sql.Scanner {
	return scanner(func(v any) error {
		if b, ok := v.([]byte); ok {
			v = append([]byte{}, b...)
		}
		*into = v
		return nil
	})
}
