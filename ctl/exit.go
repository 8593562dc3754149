package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/client"
	"github.com/seed-73b3884f/parsec-agent/ctl/internal/keyfile"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// The exit statuses.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitUnreachable = 3
	ExitRefused     = 4
	ExitNotFound    = 5
	ExitLocked      = 6
)

// usageError is a command line that cannot be understood.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// adviceError adds what to do next to an error of our own.
type adviceError struct {
	err    error
	advice string
}

func (e *adviceError) Error() string { return e.err.Error() }
func (e *adviceError) Unwrap() error { return e.err }

func advise(err error, format string, args ...any) error {
	return &adviceError{err, fmt.Sprintf(format, args...)}
}

// answered is a command whose result is "no": it was printed, and only the status is left.
type answered struct{ exit int }

func (a *answered) Error() string { return fmt.Sprintf("exit status %d", a.exit) }

// exitCode maps an error to an exit status.
func exitCode(err error) int {
	if a, ok := errors.AsType[*answered](err); ok {
		return a.exit
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[*client.EndpointError](err); ok {
		return ExitUsage
	}
	if lost, ok := errors.AsType[*client.ConnectionError](err); ok {
		if lost.Sent {
			return ExitFailed
		}
		return ExitUnreachable
	}
	switch wire.StatusOf(err) {
	case wire.StatusNotPermitted, wire.StatusNotAuthenticated, wire.StatusAdminOperation, wire.StatusAuthenticationError,
		wire.StatusAuthenticatorNotRegistered, wire.StatusAuthenticatorDoesNotExist, wire.StatusDeprecatedPrimitive:
		return ExitRefused
	case wire.StatusDoesNotExist, wire.StatusProviderNotRegistered, wire.StatusProviderDoesNotExist:
		return ExitNotFound
	case wire.StatusBadState:
		return ExitLocked
	default:
		return ExitFailed
	}
}

// remedy says what to do about an error, or nothing.
func remedy(err error) string {
	if a, ok := errors.AsType[*adviceError](err); ok {
		return a.advice
	}
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Remedy != "" {
		return e.Remedy
	}
	if lost, ok := errors.AsType[*client.ConnectionError](err); ok {
		if lost.Sent {
			return "see whether it was done before you repeat it, for instance with parsecctl key list"
		}
		return "start your own agent with parsec-agentd --user, or the system's with systemctl start parsec; parsecctl doctor looks closer"
	}
	if errors.Is(err, keyfile.ErrPassphrase) {
		return "repeat the command with the right passphrase"
	}
	switch wire.StatusOf(err) {
	case wire.StatusAlreadyExists:
		return "choose another name, or remove the old key with parsecctl key delete NAME"
	case wire.StatusDoesNotExist:
		return "parsecctl key list"
	case wire.StatusNotSupported:
		return "parsecctl key can-do says what a provider supports, parsecctl provider opcodes its operations"
	case wire.StatusNotPermitted:
		return "parsecctl key inspect NAME says what the key is for"
	case wire.StatusAdminOperation:
		return "ask an administrator of the service; parsecctl info says whether you are one"
	case wire.StatusProviderNotRegistered, wire.StatusProviderDoesNotExist:
		return "parsecctl provider list"
	default:
		return ""
	}
}

// failure is the JSON form of an error.
type failure struct {
	Message   string `json:"message"`
	Exit      int    `json:"exit"`
	Status    string `json:"status,omitempty"`
	Code      uint16 `json:"code,omitempty"`
	Object    string `json:"object,omitempty"`
	Remedy    string `json:"remedy,omitempty"`
	Reference string `json:"reference,omitempty"`
}

// fail reports an error and returns its exit status.
func (p *Program) fail(ctx context.Context, err error) int {
	if a, ok := errors.AsType[*answered](err); ok {
		return a.exit
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%v)", err, cause)
	}
	f := failure{Message: err.Error(), Exit: exitCode(err), Remedy: remedy(err)}
	if e, ok := errors.AsType[*wire.Error](err); ok {
		f.Status, f.Code, f.Object, f.Reference = e.Status.String(), uint16(e.Status), e.Object, e.Reference
	}
	if p.global.json {
		enc := json.NewEncoder(p.Err)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(map[string]failure{"error": f}) // nothing is left to report to
		return f.Exit
	}
	fmt.Fprintln(p.Err, printable("parsecctl: "+f.Message))
	if f.Remedy != "" {
		fmt.Fprintln(p.Err, printable("  try: "+f.Remedy))
	}
	if f.Reference != "" {
		fmt.Fprintln(p.Err, printable("  the agent's log says more under "+f.Reference))
	}
	return f.Exit
}

// printable makes text of others harmless to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x2066 || r == 0x2067 {
			return '�'
		}
		return r
	}, s)
}
