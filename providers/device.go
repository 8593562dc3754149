package providers

import (
	"context"
	"errors"
	"time"
)

// Condition says how well a provider instance is.
type Condition string

// The conditions. Each but Ready comes with a reason and a remedy.
const (
	// Ready serves requests.
	Ready Condition = "ready"
	// Starting has not learnt yet how it is.
	Starting Condition = "starting"
	// Absent has no token or TPM now. It may come by itself.
	Absent Condition = "absent"
	// Locked waits for a person: for a PIN, or for work on the token itself.
	Locked Condition = "locked"
	// Refused has a token or TPM that does not take what is configured, or is another one
	// than that of the keys.
	Refused Condition = "refused"
	// Failed has something on this machine that does not work, such as a library that
	// does not load.
	Failed Condition = "failed"
)

// State is the condition of a provider instance, with texts for a person.
type State struct {
	Condition      Condition
	Reason, Remedy string
}

// Device is a provider whose keys are in something that comes and goes. While it is not
// ready every request fails with the reason, and it becomes ready again by itself.
type Device interface {
	Provider
	// Connect makes the device ready if it can be; the error is an Unready one.
	Connect(ctx context.Context) error
	// State tells what was last learnt. It does not wait.
	State() State
}

// Unlocker is a Device that can get its PIN from a person.
type Unlocker interface {
	Device
	Unlock(ctx context.Context, with UnlockOptions) (Unlocked, error)
	// Lock forgets the PIN and logs out.
	Lock(ctx context.Context) error
}

// UnlockOptions are what a person gives.
type UnlockOptions struct {
	// PIN is copied if it is kept; the caller wipes its own.
	PIN []byte
	// Pad asks on the token's own PIN pad instead.
	Pad bool
	// LastTry allows to use the last try that a token has.
	LastTry bool
}

// Unlocked is what came of it.
type Unlocked struct {
	// Token describes the token.
	Token string
	// Already says that it was unlocked before, and the PIN was not looked at.
	Already bool
	// Until is when the PIN is forgotten, zero for never.
	Until time.Time
}

// unready is an error that keeps a device from being ready.
type unready struct {
	condition Condition
	err       error
}

// Unready marks an error as what keeps a device from being ready.
func Unready(c Condition, err error) error { return &unready{c, err} }

// Error returns the text of the cause.
func (u *unready) Error() string { return u.err.Error() }

// Unwrap returns the cause.
func (u *unready) Unwrap() error { return u.err }

// ConditionOf returns the condition that an error means: Ready for nil, Failed for one that
// Unready did not mark.
func ConditionOf(err error) Condition {
	if err == nil {
		return Ready
	}
	if u, ok := errors.AsType[*unready](err); ok {
		return u.condition
	}
	return Failed
}
