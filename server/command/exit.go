package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/export"
	"github.com/seed-73b3884f/parsec-agent/server/internal/store"
)

// Exit statuses, those of parsecctl.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitRefused     = 4
	exitNotFound    = 5
)

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// adviceError adds what to do next to an error.
type adviceError struct {
	err    error
	advice string
}

func (e *adviceError) Error() string { return e.err.Error() }
func (e *adviceError) Unwrap() error { return e.err }

func advise(err error, what string) error { return &adviceError{err, what} }

// answerError is a refusal of the administration.
type answerError struct {
	status int
	detail string
}

func (e *answerError) Error() string { return e.detail }

// answered is a command whose result is "no": it was printed, and only the status is left.
type answered struct{ exit int }

func (a *answered) Error() string { return fmt.Sprintf("exit status %d", a.exit) }

// exitCode maps an error to an exit status.
func exitCode(err error) int {
	if a, ok := errors.AsType[*answered](err); ok {
		return a.exit
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	if a, ok := errors.AsType[*answerError](err); ok {
		switch a.status {
		case http.StatusNotFound:
			return exitNotFound
		case http.StatusServiceUnavailable:
			return exitUnreachable
		case http.StatusUnprocessableEntity:
			return exitUsage
		case http.StatusInternalServerError:
			return exitFailed
		}
		return exitRefused
	}
	switch {
	case errors.Is(err, export.ErrNoOrganization), errors.Is(err, export.ErrNoRealm), errors.Is(err, errNoServer):
		return exitNotFound
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, blocks.ErrUnavailable):
		return exitUnreachable
	case errors.Is(err, errNotConfirmed), errors.Is(err, export.ErrDeleted):
		return exitRefused
	}
	return exitFailed
}

// failure is the JSON form of an error.
type failure struct {
	Message string `json:"message"`
	Exit    int    `json:"exit"`
	Remedy  string `json:"remedy,omitempty"`
}

// fail reports an error and returns its exit status.
func (p *Program) fail(err error) int {
	if a, ok := errors.AsType[*answered](err); ok {
		return a.exit
	}
	f := failure{Message: err.Error(), Exit: exitCode(err)}
	if a, ok := errors.AsType[*adviceError](err); ok {
		f.Remedy = a.advice
	}
	if p.json {
		e := json.NewEncoder(p.Err)
		e.SetEscapeHTML(false)
		_ = e.Encode(map[string]failure{"error": f}) // nothing is left to report to
		return f.Exit
	}
	_, _ = fmt.Fprintln(p.Err, "parsec-server: "+printable(f.Message))
	if f.Remedy != "" {
		_, _ = fmt.Fprintln(p.Err, "  try: "+printable(f.Remedy))
	}
	return f.Exit
}

// printable makes text of others harmless to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}
