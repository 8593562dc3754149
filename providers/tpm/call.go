package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// call is the use of a connection by one operation. The caller holds the TPM.
type call struct {
	*conn
	// ctx is here because the library's transport has no parameter for it.
	ctx context.Context
}

// The back-off when the TPM asks to try again: it doubles up to the longest wait, and the
// whole is bounded. A self-test takes a discrete TPM about two seconds.
const (
	firstWait   = 5 * time.Millisecond
	longestWait = 500 * time.Millisecond
	patience    = 15 * time.Second
)

// tryAgain are the warnings after which the same command is sent again: the TPM has not
// started it, or says so explicitly. The nonces of a session have not moved then.
var tryAgain = []tpm2.TPMRC{tpm2.TPMRCRetry, tpm2.TPMRCYielded, tpm2.TPMRCTesting, tpm2.TPMRCNVRate}

// brokenError is a way to the TPM that failed in the middle.
type brokenError struct{ err error }

func (b *brokenError) Error() string { return b.err.Error() }
func (b *brokenError) Unwrap() error { return b.err }

// Send sends one command and returns the response. It gives up between commands when the
// caller does; a command that was sent is waited for, because a TPM does one at a time.
func (c *call) Send(command []byte) ([]byte, error) {
	waited := time.Duration(0)
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if err := c.ctx.Err(); err != nil {
			return nil, context.Cause(c.ctx)
		}
		response, err := c.link.transmit(command)
		if err != nil {
			return nil, &brokenError{err}
		}
		rc, _ := canonical(tpm2.TPMRC(binary.BigEndian.Uint32(response[6:])))
		if !slices.Contains(tryAgain, rc) || waited >= patience {
			return response, nil
		}
		if err := pause(c.ctx, wait); err != nil {
			return nil, err
		}
		waited += wait
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// command is a command of the library with its response.
type command[R any] interface {
	Command() tpm2.TPMCC
	Execute(t transport.TPM, s ...tpm2.Session) (*R, error)
}

// run executes a command; what the TPM refuses becomes an error with a status.
func run[R any](c *call, cmd command[R], sessions ...tpm2.Session) (*R, error) {
	rsp, err := cmd.Execute(c, sessions...)
	if err == nil {
		return rsp, nil
	}
	if rc, ok := errors.AsType[tpm2.TPMRC](err); ok {
		return nil, refusal(cmd, rc).status()
	}
	if _, broken := errors.AsType[*brokenError](err); broken || c.ctx.Err() != nil {
		return nil, err
	}
	if errors.Is(err, errForged) {
		return nil, &wire.Error{Status: wire.StatusCorruptionDetected, Reason: fmt.Sprintf("%s: %v", commandName(cmd.Command()), err), Err: err}
	}
	return nil, &wire.Error{Status: wire.StatusCommunicationFailure, Reason: fmt.Sprintf("%s: %v", commandName(cmd.Command()), err), Err: err}
}

// refused reports whether err is a refusal with one of the codes.
func refused(err error, rc ...tpm2.TPMRC) bool {
	f, ok := errors.AsType[*fault](err)
	return ok && f.is(rc...)
}

// as returns err with another status when it is a refusal with one of the codes: what a
// code says depends on the operation.
func as(status wire.Status, err error, rc ...tpm2.TPMRC) error {
	if !refused(err, rc...) {
		return err
	}
	e, _ := errors.AsType[*wire.Error](err)
	changed := *e
	changed.Status = status
	return &changed
}

// spurious reports whether err is the answer of a failed self-test although the TPM works:
// libtpms answers so when a cryptographic library refuses a ciphertext.
func (c *call) spurious(err error) bool {
	return refused(err, tpm2.TPMRCFailure) && c.random(make([]byte, 1)) == nil
}

// flush removes an object or session from the TPM, also when the caller has given up. What
// cannot be flushed is gone already.
func (c *call) flush(handle tpm2.TPMHandle) {
	always := &call{c.conn, context.WithoutCancel(c.ctx)}
	_, _ = run(always, command[tpm2.FlushContextResponse](tpm2.FlushContext{FlushHandle: handle}))
}
