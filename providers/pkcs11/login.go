package pkcs11

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/ck"
	"github.com/seed-73b3884f/parsec-agent/providers/pkcs11/internal/frame"
)

// login logs in, unless that would waste a try. mayLogIn was asked before.
func (l *link) login(ctx context.Context, c *connection, offered *offer) error {
	switch {
	case offered != nil && offered.kept.pad:
		return l.loginOnPad(ctx, c)
	case offered != nil:
		return offered.kept.Use(func(secret []byte) error { return l.send(ctx, c, secret) })
	case !l.o.logsIn():
		return nil
	}
	err := l.pin().Use(func(secret []byte) error { return l.send(ctx, c, secret) })
	if l.o.Prompt && providers.ConditionOf(err) == providers.Refused {
		l.forget() // it was changed meanwhile: a person has to give the new one
		err = l.lockedError(c, "it does not accept the PIN any more that it was unlocked with")
	}
	return err
}

// pin returns what to log in with, nil if there is nothing.
func (l *link) pin() PIN {
	if !l.o.Prompt {
		return l.o.PIN
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given == nil {
		return nil
	}
	return l.given
}

// send logs in with a PIN, with a record before and after.
func (l *link) send(ctx context.Context, c *connection, secret []byte) error {
	if err := l.record.begin(c.slot, secret); err != nil {
		return l.notSent(c, err)
	}
	_, err := c.call(ctx, &frame.Request{Op: frame.OpLogin, Data: secret}, l.o.CallLimit)
	if outcome, known := outcomeOf(err); known {
		err = errors.Join(err, l.record.end(c.slot.Token, secret, outcome))
	}
	if err != nil {
		return l.refusedLogin(c, err)
	}
	c.accepted = accept(secret)
	return nil
}

// loginOnPad has the token ask on its own PIN pad. Nobody but the token knows the PIN, so
// there is no record; a person stands before the token and was told to type.
func (l *link) loginOnPad(ctx context.Context, c *connection) error {
	const typing = 3 // times the limit of other calls
	if _, err := c.call(ctx, &frame.Request{Op: frame.OpLogin}, typing*l.o.CallLimit); err != nil {
		return l.refusedLogin(c, err)
	}
	c.accepted = accepted{pad: true}
	return nil
}

// mayLogIn refuses where no PIN is known, and where the token itself says that a login
// would fail or is dangerous.
func (l *link) mayLogIn(c *connection, offered *offer) error {
	if !l.o.logsIn() {
		return nil
	}
	e := &wire.Error{Status: wire.StatusBadState, Object: c.describe()}
	switch flags := c.slot.Token.Flags; {
	case flags&ck.FlagUserPINInitialized == 0:
		e.Reason = "it has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED)"
		e.Remedy = "set one as security officer, such as with pkcs11-tool --init-pin"
	case flags&ck.FlagUserPINLocked != 0:
		e.Reason = "its user PIN is locked after too many wrong tries (CKR_PIN_LOCKED)"
		e.Remedy = "unlock it as security officer or with the PUK; the agent then logs in by itself if it has the right PIN"
	case flags&ck.FlagUserPINFinalTry != 0 && (offered == nil || !offered.lastTry):
		e.Reason = "only one try is left for its user PIN, and the agent does not use the last one"
		e.Remedy = "log in with the right PIN yourself, such as with pkcs11-tool --login --list-objects; the tries are then full again"
		if l.o.Prompt {
			e.Reason = "only one try is left for its user PIN; if the PIN is wrong, the token locks itself"
			e.Remedy = "if you are sure of the PIN: " + l.unlockCommand() + " --last-try"
		}
	case offered != nil && offered.kept.pad && flags&ck.FlagProtectedPath == 0:
		e.Reason, e.Remedy = "it has no PIN pad (CKF_PROTECTED_AUTHENTICATION_PATH)", l.unlockCommand()
	case l.o.Prompt && offered == nil:
		return l.mayUseGiven(c)
	default:
		return nil
	}
	return providers.Unready(providers.Locked, e)
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

// correct says how to correct the PIN.
func (l *link) correct() string {
	if l.o.Prompt {
		return "give the right PIN: " + l.unlockCommand()
	}
	return "correct user_pin"
}

// notSent explains why a PIN was not tried.
func (l *link) notSent(c *connection, err error) error {
	e := &wire.Error{Status: wire.StatusBadState, Object: c.describe(), Reason: err.Error(), Err: err}
	p, ok := errors.AsType[*pinError](err)
	if !ok {
		return e
	}
	e.Remedy = l.correct() + "; if the token's PIN was changed to this one, remove " + p.file
	return providers.Unready(providers.Refused, e)
}

// refusedLogin explains a login that failed.
func (l *link) refusedLogin(c *connection, err error) error {
	e := &wire.Error{Status: wire.StatusGenericError, Object: c.describe(), Reason: "the login failed: " + err.Error(), Err: err}
	rv := resultOf(err)
	if rv != ck.RVOK {
		e.Status = rv.Status()
	}
	condition := providers.Failed
	if l.o.Prompt {
		condition = providers.Locked
	}
	switch rv {
	case ck.RVPINIncorrect, ck.RVPINInvalid:
		condition = providers.Refused
		e.Reason = fmt.Sprintf("it refused the user PIN (%s); it is remembered and not sent again", rv)
		e.Remedy = l.correct()
	case ck.RVPINLenRange:
		condition = providers.Refused
		e.Reason = fmt.Sprintf("it refused the user PIN (%s): it takes %d to %d characters", rv, c.slot.Token.MinPIN, c.slot.Token.MaxPIN)
		e.Remedy = l.correct()
	case ck.RVPINLocked:
		condition = providers.Locked
		e.Reason = "its user PIN is locked after too many wrong tries (CKR_PIN_LOCKED)"
		e.Remedy = "unlock it as security officer or with the PUK"
	case ck.RVPINExpired:
		condition = providers.Locked
		e.Reason = "its user PIN has expired (CKR_PIN_EXPIRED)"
		e.Remedy = "change it with the vendor's tool, and user_pin accordingly"
	case ck.RVUserPINNotInitialized:
		condition = providers.Locked
		e.Reason = "it has no user PIN yet (CKR_USER_PIN_NOT_INITIALIZED)"
		e.Remedy = "set one as security officer, such as with pkcs11-tool --init-pin"
	default: // the result says what there is to say
	}
	return unready(condition, e)
}
