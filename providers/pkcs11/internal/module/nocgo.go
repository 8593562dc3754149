//go:build !cgo

package module

import (
	"context"
	"errors"
	"io"
)

// ErrNoCgo is what a helper that was built without cgo says.
var ErrNoCgo = errors.New("this parsec-pkcs11-helper was built without cgo and cannot load a PKCS#11 library: build it with CGO_ENABLED=1 and a C compiler")

// Serve returns ErrNoCgo.
func Serve(context.Context, io.ReadWriter) error { return ErrNoCgo }
