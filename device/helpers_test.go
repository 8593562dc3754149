package device_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/providers"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// world is a person with a directory, and a token "token" without real hardware.
type world struct {
	dir   string
	keys  *devicetest.Keys
	store *device.Store
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{dir: filepath.Join(t.TempDir(), "1000"), keys: devicetest.NewKeys(map[string]providers.Provider{"token": &devicetest.Token{}})}
	w.store = w.again(t)
	return w
}

// again opens the directory as after a restart; the old store is forgotten without an orderly end.
func (w *world) again(t testing.TB) *device.Store { return w.with(t, device.Options{}) }

func (w *world) with(t testing.TB, o device.Options) *device.Store {
	t.Helper()
	o.Dir, o.Keys, o.KeyPrefix, o.Budget = w.dir, w.keys, "device/1000", device.NewBudget()
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := device.New(o)
	s.CheapPasswords()
	t.Cleanup(s.Close)
	return s
}

// add stores a new device under a protection.
func (w *world) add(t testing.TB, organization string, p device.Protection) *trust.LocalDevice {
	t.Helper()
	d := devicetest.New(t, organization, "laptop")
	if err := w.store.Add(t.Context(), d, p); err != nil {
		t.Fatal(err)
	}
	return d
}

func password(p string) device.Protection { return device.Protection{Password: []byte(p)} }
func secret(p string) device.Secret       { return device.Secret{Password: []byte(p)} }

// unlock opens a device and compares it.
func unlock(t testing.TB, s *device.Store, want *trust.LocalDevice, with device.Secret) {
	t.Helper()
	u, _, err := s.Unlock(t.Context(), want.DeviceID, with)
	if err != nil {
		t.Fatal(err)
	}
	err = u.Use(func(d *trust.LocalDevice) error {
		devicetest.Same(t, d, want)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// opens reports whether a device opens, and locks it again.
func opens(t testing.TB, s *device.Store, want *trust.LocalDevice, with device.Secret) error {
	t.Helper()
	_, _, err := s.Unlock(t.Context(), want.DeviceID, with)
	if err == nil {
		unlock(t, s, want, with)
		s.Lock(want.DeviceID)
	}
	return err
}

// refused checks an error: what it is, its status, and that it says what to do.
func refused(t testing.TB, what string, err, want error, status wire.Status) {
	t.Helper()
	detail, ok := errors.AsType[*wire.Error](err)
	if !errors.Is(err, want) || wire.StatusOf(err) != status || !ok || detail.Reason == "" {
		t.Errorf("%s: %v (%v), want %v (%v) with a reason", what, err, wire.StatusOf(err), want, status)
	}
}

func list(t testing.TB, dir string) []string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// entryOf returns what the list says about a device.
func entryOf(t testing.TB, s *device.Store, d *trust.LocalDevice) device.Entry {
	t.Helper()
	all, _, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	e, err := device.Select(all, d.DeviceID.String())
	if err != nil {
		t.Fatal(err)
	}
	return e
}
