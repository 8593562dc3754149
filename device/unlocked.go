package device

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/locked"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Unlocked is a device whose secrets are in memory. It stays what it is when it is locked: all uses fail then.
type Unlocked struct {
	id   trust.DeviceID
	done chan struct{}
	last atomic.Int64 // when it was last used, in nanoseconds of the store's clock
	now  func() time.Time

	mu     sync.RWMutex // guards the fields below: read while the device is used, written to lock it
	d      *trust.LocalDevice
	memory []byte
	holds  []*os.File
}

// unlock moves the secrets of a device into locked memory. lockErr says why the memory is not locked; it is used all the
// same. The device is the caller's no more.
func unlock(d *trust.LocalDevice, holds []*os.File, now func() time.Time) (u *Unlocked, lockErr, err error) {
	memory, lockErr, err := locked.Allocate(trust.HeldSize)
	if err != nil {
		return nil, nil, err
	}
	if err := d.Hold(memory); err != nil {
		locked.Release(memory)
		return nil, nil, err
	}
	u = &Unlocked{id: d.DeviceID, done: make(chan struct{}), now: now, d: d, memory: memory, holds: holds}
	u.last.Store(now().UnixNano())
	return u, lockErr, nil
}

// ID returns the device's id.
func (u *Unlocked) ID() trust.DeviceID { return u.id }

// Done is closed when the device is locked.
func (u *Unlocked) Done() <-chan struct{} { return u.done }

// Use calls f with the device, which stays unlocked until f returns. f keeps nothing of it and does not lock it. A use
// counts for the idle limit.
func (u *Unlocked) Use(f func(*trust.LocalDevice) error) error {
	return u.UseQuietly(func(d *trust.LocalDevice) error {
		u.last.Store(u.now().UnixNano())
		return f(d)
	})
}

// UseQuietly is Use for what the agent does by itself, such as following events: it does not count for the idle limit.
func (u *Unlocked) UseQuietly(f func(*trust.LocalDevice) error) error {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if u.d == nil {
		return isLocked(u.id)
	}
	return f(u.d)
}

func isLocked(id trust.DeviceID) error {
	return &wire.Error{
		Status: wire.StatusBadState, Object: "device " + id.String(), Reason: ErrLocked.Error(), Err: ErrLocked,
		Remedy: "parsecctl device unlock --device " + id.String(),
	}
}

// lock wipes the secrets when the last use has ended, and gives the device up to other programs.
func (u *Unlocked) lock() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.d == nil {
		return
	}
	u.d.Wipe()
	u.d = nil
	locked.Release(u.memory)
	for _, f := range u.holds {
		_ = f.Close() // gives the lock up whatever it says
	}
	close(u.done)
}

// idle returns for how long nobody has used the device.
func (u *Unlocked) idle() time.Duration { return u.now().Sub(time.Unix(0, u.last.Load())) }
