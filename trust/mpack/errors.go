package mpack

import "errors"

// What can be wrong with a value. Errors of a Reader wrap one of these and say where.
var (
	ErrShort     = errors.New("the value is cut off")
	ErrType      = errors.New("a value of another kind is expected")
	ErrRange     = errors.New("the value is out of range")
	ErrLimit     = errors.New("the value exceeds a limit")
	ErrDepth     = errors.New("the value is nested too deeply")
	ErrText      = errors.New("the text is not UTF-8")
	ErrKey       = errors.New("the key of a field is no text")
	ErrMissing   = errors.New("a field is missing")
	ErrDuplicate = errors.New("a key occurs twice")
	ErrTrailing  = errors.New("bytes follow the value")
)

// Error says where in a value something is wrong.
type Error struct {
	// Field is the innermost field of a structure that was being read, empty outside of one.
	Field string
	Err   error
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Err.Error()
	}
	return "field " + e.Field + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
