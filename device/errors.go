package device

import (
	"errors"
	"fmt"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What an error of this package may wrap.
var (
	ErrSecret    = errors.New("the secret is wrong, or the file is damaged")
	ErrWait      = errors.New("there were too many wrong secrets")
	ErrLocked    = errors.New("the device is locked")
	ErrInUse     = errors.New("another program uses the device")
	ErrPending   = errors.New("a change of the protection waits for its confirmation")
	ErrNoChange  = errors.New("no change waits")
	ErrNotFound  = errors.New("there is no such device")
	ErrAmbiguous = errors.New("several devices fit")
	ErrExists    = errors.New("the device is here already")
	ErrDamaged   = errors.New("the device file is damaged")
	ErrKind      = errors.New("the protection is of a kind that cannot be opened here")
)

// objectOf names a device in errors.
func objectOf(h *trust.DeviceFileHeader) string {
	return fmt.Sprintf("device %q", h.OrganizationID.String()+"/"+h.DeviceLabel.String())
}

// about adds the device to an error that names no object.
func about(h *trust.DeviceFileHeader, err error) error {
	if err == nil {
		return nil
	}
	detail, ok := errors.AsType[*wire.Error](err)
	if !ok {
		return &wire.Error{Status: wire.StatusOf(err), Object: objectOf(h), Err: err}
	}
	if detail.Object != "" {
		return err
	}
	named := *detail
	named.Object = objectOf(h)
	return &named
}

func wrongSecret() error {
	return &wire.Error{
		Status: wire.StatusNotPermitted, Reason: ErrSecret.Error(), Err: ErrSecret,
		Remedy: "repeat it with the right secret; a recovery file opens the account where this one is lost",
	}
}

func damaged(err error) error {
	return &wire.Error{
		Status: wire.StatusDataCorrupt, Reason: "the device file cannot be read: " + err.Error(), Err: errors.Join(ErrDamaged, err),
		Remedy: "bring the file back from a backup, or enrol this machine as a new device",
	}
}

// storage is what a failure of the disk means to the caller; the path stays in the log.
func storage(what string, err error) error {
	if err == nil {
		return nil
	}
	status := wire.StatusStorageFailure
	if full(err) {
		status = wire.StatusInsufficientStorage
	}
	return &wire.Error{Status: status, Reason: what, Remedy: "see to the disk of the state directory; the log has the cause", Err: err}
}
