package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/supervise"
)

var errClosed = wire.Errorf(wire.StatusBadState, "the provider is closed")

// callError is a function of the library that failed, or, with a text, the helper.
type callError struct {
	function string
	result   ck.RV
	text     string
}

func (e *callError) Error() string {
	if e.text != "" {
		return e.text[:min(len(e.text), 500)]
	}
	return fmt.Sprintf("%s answered %s", cut(e.function), e.result)
}

// describe names the token and where it is.
func (c *connection) describe() string {
	return fmt.Sprintf("%s in slot %d of %s", describeToken(c.slot), c.slot.ID, c.library)
}

// failure turns an error of a call into one for callers.
func failure(what string, err error) error {
	e := &wire.Error{Status: wire.StatusGenericError, Reason: what + ": " + err.Error(), Err: err}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := errors.AsType[*supervise.Ended](err); ok {
		e.Status, e.Remedy = wire.StatusHardwareFailure, "repeat the request; the helper is started again by itself"
	}
	if failed, ok := errors.AsType[*callError](err); ok && failed.text == "" {
		e.Status, e.Remedy = failed.result.Status(), failed.result.Remedy()
	}
	return e
}

// hides reports whether an object was not found that may show after a login.
func (c *connection) hides(err error) bool {
	return resultOf(err) == ck.RVObjectHandleInvalid && !c.accepted.any() && c.slot.Token.Flags&ck.FlagLoginRequired != 0
}

// explain turns the error of a request into one for its caller.
func (c *connection) explain(r *frame.Request, err error) error {
	what := fmt.Sprintf("%s cannot %s", c.describe(), r.Op)
	if c.hides(err) {
		return &wire.Error{
			Status: wire.StatusBadState, Err: err, Reason: what + ": it shows no such key without a login",
			Remedy: "set user_pin",
		}
	}
	if r.Mechanism.Type != 0 || r.Op == frame.OpGenerateKeyPair {
		what += " with " + ck.MechanismName(r.Mechanism.Type)
	}
	if resultOf(err).TemplateRefused() {
		what += " and the attributes " + attributeNames(append(slices.Clone(r.Template), r.Private...))
	}
	return failure(what, err)
}

// attributeNames lists what a template had: libraries do not say which attribute they
// refuse.
func attributeNames(template []frame.Attribute) string {
	var names []string
	for _, a := range template {
		if name := ck.AttributeName(a.Type); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
