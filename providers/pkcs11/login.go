package pkcs11

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// login logs in with the configured PIN, unless that would waste a try.
func (l *link) login(ctx context.Context, c *connection) error {
	if l.o.PIN == nil {
		return nil
	}
	if err := c.mayLogIn(); err != nil {
		return err
	}
	return l.o.PIN.Use(func(secret []byte) error {
		if err := l.record.begin(c.slot, secret); err != nil {
			return c.notSent(err)
		}
		_, err := c.call(ctx, &frame.Request{Op: frame.OpLogin, Data: secret}, l.o.CallLimit)
		if outcome, known := outcomeOf(err); known {
			err = errors.Join(err, l.record.end(c.slot.Token, secret, outcome))
		}
		if err != nil {
			return c.refusedLogin(err)
		}
		c.accepted = accept(secret)
		return nil
	})
}

// mayLogIn refuses where the token itself says that a login would fail or is dangerous.
func (c *connection) mayLogIn() error {
	e := &wire.Error{Status: wire.StatusBadState, Object: c.describe()}
	switch flags := c.slot.Token.Flags; {
	case flags&ck.FlagUserPINInitialized == 0:
		e.Reason = "it has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED)"
		e.Remedy = "set one as security officer, such as with pkcs11-tool --init-pin"
	case flags&ck.FlagUserPINLocked != 0:
		e.Reason = "its user PIN is locked after too many wrong tries (CKR_PIN_LOCKED)"
		e.Remedy = "unlock it as security officer or with the PUK, then restart the agent with the right user_pin"
	case flags&ck.FlagUserPINFinalTry != 0:
		e.Reason = "only one try is left for its user PIN, and the agent does not use the last one"
		e.Remedy = "log in with the right PIN yourself, such as with pkcs11-tool --login --list-objects; the tries are then full again"
	default:
		return nil
	}
	return e
}

// outcomeOf says what became of a PIN that was sent; known is false when nobody can tell.
func outcomeOf(err error) (outcome ck.RV, known bool) {
	if err == nil {
		return ck.RVOK, true
	}
	failed, ok := errors.AsType[*callError](err)
	if !ok {
		return 0, false
	}
	switch rv := failed.result; rv {
	case ck.RVDeviceError, ck.RVDeviceRemoved, ck.RVGeneralError, ck.RVFunctionFailed, ck.RVOK:
		return 0, false
	default:
		return rv, true
	}
}

// notSent explains why a PIN was not tried.
func (c *connection) notSent(err error) error {
	e := &wire.Error{Status: wire.StatusBadState, Object: c.describe(), Reason: err.Error(), Err: err}
	if p, ok := errors.AsType[*pinError](err); ok {
		e.Remedy = "correct user_pin; if the token's PIN was changed to the configured one, remove " + p.file
	}
	return e
}

// refusedLogin explains a login that failed.
func (c *connection) refusedLogin(err error) error {
	e := &wire.Error{Status: wire.StatusGenericError, Object: c.describe(), Reason: "the login failed: " + err.Error(), Err: err}
	rv := resultOf(err)
	if rv != ck.RVOK {
		e.Status = rv.Status()
	}
	switch rv {
	case ck.RVPINIncorrect, ck.RVPINInvalid:
		e.Reason = fmt.Sprintf("it refused the user PIN (%s); it is remembered and not sent again", rv)
		e.Remedy = "correct user_pin"
	case ck.RVPINLenRange:
		e.Reason = fmt.Sprintf("it refused the user PIN (%s): it takes %d to %d characters", rv, c.slot.Token.MinPIN, c.slot.Token.MaxPIN)
		e.Remedy = "correct user_pin"
	case ck.RVPINLocked:
		e.Reason = "its user PIN is locked after too many wrong tries (CKR_PIN_LOCKED)"
		e.Remedy = "unlock it as security officer or with the PUK"
	case ck.RVPINExpired:
		e.Reason = "its user PIN has expired (CKR_PIN_EXPIRED)"
		e.Remedy = "change it with the vendor's tool, and user_pin accordingly"
	case ck.RVUserPINNotInitialized:
		e.Reason = "it has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED)"
		e.Remedy = "set one as security officer, such as with pkcs11-tool --init-pin"
	default: // the result says what there is to say
	}
	return e
}
