package session

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/session/internal/certlog"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Errors of sessions, besides those of proto/cloud and of the device.
var (
	// ErrRollback: the server does not have what it gave before, and nobody has accepted that.
	ErrRollback = errors.New("the server is behind what this device has seen")
	// ErrNoRollback: there is nothing to accept.
	ErrNoRollback = errors.New("the server is not behind what this device has seen")
	// ErrRefused: the server serves certificates that break a rule.
	ErrRefused = errors.New("the server serves certificates that are not valid")
	// ErrWithheld: the server does not give certificates that it has announced.
	ErrWithheld = errors.New("the server announces certificates that it does not give")
	// ErrStorage: the certificates cannot be kept on disk.
	ErrStorage = errors.New("the certificates cannot be kept on disk")
	// ErrClock: the clocks of server and machine are too far apart to sign anything.
	ErrClock = errors.New("the clock of this machine and that of the server are too far apart")
	// ErrBusy: the server wanted other timestamps again and again.
	ErrBusy = errors.New("the server asked for later timestamps again and again")
	// ErrClosed: the session is closed.
	ErrClosed = errors.New("the session is closed")
	// ErrRunning: Run runs already.
	ErrRunning = errors.New("the session is running already")
	// ErrOtherRoot: the organisation of this name on this server had another root key before.
	ErrOtherRoot = errors.New("the organisation has another root key than the one that is pinned")
)

// RollbackError says what a server does not have any longer; it is ErrRollback.
type RollbackError = certlog.RollbackError

// PinError says that another root key is pinned; it is ErrOtherRoot.
type PinError struct {
	Server       trust.ServerAddress
	Organization trust.OrganizationID
	Pinned, Got  Fingerprint
}

func (e *PinError) Error() string {
	return fmt.Sprintf("organisation %q on %s: %v: it is %v, pinned is %v", e.Organization, e.Server.Host(), ErrOtherRoot, e.Got, e.Pinned)
}

// Unwrap returns ErrOtherRoot.
func (e *PinError) Unwrap() error { return ErrOtherRoot }

// classify puts errors of a refresh under what callers tell apart.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*RollbackError)):
		return fmt.Errorf("%w: %w", ErrRollback, err)
	case errors.As(err, new(*trust.RefusalError)):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
