// Package sessiontest helps tests with sessions: devices of the organisations of servertest, and a proxy in front of a server that does what a hostile
// one could.
package sessiontest

import (
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/session"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Held is a session.Device in the memory of a test.
type Held struct {
	mu   sync.RWMutex // read while the device is used
	d    *trust.LocalDevice
	done chan struct{}
}

// Hold returns an unlocked device.
func Hold(d *trust.LocalDevice) *Held { return &Held{d: d, done: make(chan struct{})} }

// Use calls f with the device.
func (h *Held) Use(f func(*trust.LocalDevice) error) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.d == nil {
		return device.ErrLocked
	}
	return f(h.d)
}

// UseQuietly is Use.
func (h *Held) UseQuietly(f func(*trust.LocalDevice) error) error { return h.Use(f) }

// Done is closed when the device is locked.
func (h *Held) Done() <-chan struct{} { return h.done }

// Lock wipes the device.
func (h *Held) Lock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.d == nil {
		return
	}
	h.d.Wipe()
	h.d = nil
	close(h.done)
}

// Local returns what a device of an organisation keeps, for a server at a URL.
func Local(t testing.TB, d *servertest.Device, url string) *trust.LocalDevice {
	t.Helper()
	server, err := trust.ParseServerURL(url)
	if err != nil {
		t.Fatal(err)
	}
	label, err := trust.NewDeviceLabel("laptop")
	if err != nil {
		t.Fatal(err)
	}
	root, err := d.Org.Root.VerifyKey()
	if err != nil {
		t.Fatal(err)
	}
	return &trust.LocalDevice{
		Server: server, OrganizationID: d.Org.ID, RootVerifyKey: root, UserID: d.User, DeviceID: d.ID, DeviceLabel: label, HumanHandle: d.Handle,
		SigningKey: d.Signing, PrivateKey: d.Private, InitialProfile: trust.Standard,
		UserRealmID: trust.NewRealmID(), UserRealmKey: trust.GenerateSecretKey(), LocalSymkey: trust.GenerateSecretKey(),
	}
}

// Place is where a person keeps the state of sessions, over restarts.
type Place struct {
	// Dir is the directory of one device, PinsDir that of the pins.
	Dir, PinsDir string
	Logger       *slog.Logger
}

// NewPlace returns an empty one.
func NewPlace(t testing.TB) *Place {
	t.Helper()
	return &Place{Dir: inMemory(t), PinsDir: inMemory(t), Logger: slog.New(slog.DiscardHandler)}
}

// inMemory returns a directory that ends with the test, in memory where there is a file system for that: tests with many sessions do not wait for a disk.
func inMemory(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "session-test-") //nolint:usetesting // TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Open opens a session, with the clock of the test's server if that is not nil. It ends with the test, or when close is called.
func (p *Place) Open(t testing.TB, d session.Device, clock *servertest.Clock) (s *session.Session, closeAll func(), err error) {
	t.Helper()
	pins, err := session.OpenPins(p.PinsDir)
	if err != nil {
		return nil, nil, err
	}
	o := session.Options{Device: d, Dir: p.Dir, Pins: pins, Logger: p.Logger}
	if clock != nil {
		o.Now = clock.Now
	}
	s, err = session.Open(t.Context(), o)
	once := sync.Once{}
	closeAll = func() {
		once.Do(func() {
			if s != nil {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := pins.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(closeAll)
	return s, closeAll, err
}
