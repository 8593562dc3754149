package device_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// kinds are the protections that need nothing but the world of tests, with what opens them.
var kinds = []struct {
	name string
	new  device.Protection
	with device.Secret
}{
	{"password", password("new"), secret("new")},
	{"provider", device.Protection{Provider: "token"}, device.Secret{}},
	{"password and provider", device.Protection{Password: []byte("new"), Provider: "token"}, secret("new")},
}

func TestChange(t *testing.T) {
	for _, from := range kinds {
		for _, to := range kinds {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				w := newWorld(t)
				first := from.new
				with := from.with
				if len(first.Password) > 0 {
					first.Password, with = []byte("old"), secret("old")
				}
				d := w.add(t, "Acme", first)
				unlock(t, w.store, d, with)
				if err := w.store.Protect(t.Context(), d.DeviceID, to.new); err != nil {
					t.Fatal(err)
				}
				err := w.store.Protect(t.Context(), d.DeviceID, to.new)
				refused(t, "a second change", err, device.ErrPending, wire.StatusBadState)
				if e := entryOf(t, w.store, d); e.Pending == nil || e.Pending.Kind == "" {
					t.Errorf("%+v", e)
				}
				if err := w.store.Revert(t.Context(), d.DeviceID); err != nil {
					t.Fatal(err)
				}
				w.store.Lock(d.DeviceID)
				unlock(t, w.store, d, with)
				if err := w.store.Protect(t.Context(), d.DeviceID, to.new); err != nil {
					t.Fatal(err)
				}
				if len(to.new.Password) > 0 {
					refused(t, "confirmed by a wrong password", w.store.Confirm(t.Context(), d.DeviceID, secret("x")), device.ErrSecret, wire.StatusNotPermitted)
				}
				if err := w.store.Confirm(t.Context(), d.DeviceID, to.with); err != nil {
					t.Fatal(err)
				}
				refused(t, "confirmed twice", w.store.Confirm(t.Context(), d.DeviceID, to.with), device.ErrNoChange, wire.StatusBadState)
				refused(t, "reverted too late", w.store.Revert(t.Context(), d.DeviceID), device.ErrNoChange, wire.StatusBadState)
				w.store.Lock(d.DeviceID)
				if len(to.new.Password) > 0 && len(first.Password) > 0 {
					refused(t, "the old password", opens(t, w.store, d, with), device.ErrSecret, wire.StatusNotPermitted)
				}
				unlock(t, w.store, d, to.with)
				want := 0
				if to.new.Provider != "" {
					want = 1
				}
				if all := w.keys.Names(); len(all) != want {
					t.Errorf("provider keys %q are left, want %d", all, want)
				}
				if names := list(t, filepath.Join(w.dir, "devices")); !slices.Equal(names, []string{d.DeviceID.String() + ".keys"}) {
					t.Errorf("files %q are left", names)
				}
			})
		}
	}
}

// TestUnlockConfirms has an unlock with the new secret end the old protection, and one with the old secret leave both.
func TestUnlockConfirms(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("old"))
	unlock(t, w.store, d, secret("old"))
	if err := w.store.Protect(t.Context(), d.DeviceID, password("new")); err != nil {
		t.Fatal(err)
	}
	w.store.Lock(d.DeviceID)
	for range 2 {
		if err := opens(t, w.store, d, secret("old")); err != nil {
			t.Fatal(err)
		}
	}
	if err := opens(t, w.store, d, secret("new")); err != nil {
		t.Fatal(err)
	}
	refused(t, "old", opens(t, w.store, d, secret("old")), device.ErrSecret, wire.StatusNotPermitted)
}

func TestProtectNeedsUnlocked(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("old"))
	refused(t, "locked", w.store.Protect(t.Context(), d.DeviceID, password("new")), device.ErrLocked, wire.StatusBadState)
	unlock(t, w.store, d, secret("old"))
	for _, p := range []device.Protection{
		{}, {Password: make([]byte, 2000)}, {Certificate: []byte("x"), Provider: "token"}, {Certificate: []byte("x")}, {Provider: "nobody"},
	} {
		if err := w.store.Protect(t.Context(), d.DeviceID, p); err == nil || wire.StatusOf(err) == wire.StatusGenericError {
			t.Errorf("%d bytes, %q: %v", len(p.Password), p.Provider, err)
		}
	}
	if e := entryOf(t, w.store, d); e.Pending != nil {
		t.Error("a refused change is pending")
	}
}

var errCrash = errors.New("crashed")

// crash lets a number of steps happen and then nothing any more, as if the process had been killed there. Whether a step
// is whole is the matter of package durable.
type crash struct {
	device.Files
	left *int
}

func (c crash) step() error {
	*c.left--
	if *c.left < 0 {
		return errCrash
	}
	return nil
}

func (c crash) Create(name string, content []byte) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Files.Create(name, content)
}

func (c crash) Replace(name string, content []byte) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Files.Replace(name, content)
}

func (c crash) Rename(from, to string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Files.Rename(from, to)
}

func (c crash) Remove(name string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.Files.Remove(name)
}

// TestCrashes ends every act at each of its steps on disk, with the keys of providers gone or not: the device opens
// afterwards by the old secret or by the new one, and every act can be done.
func TestCrashes(t *testing.T) {
	acts := map[string]func(w *world, s *device.Store, d *trust.LocalDevice, to device.Protection, with device.Secret) error{
		"change": func(w *world, s *device.Store, d *trust.LocalDevice, to device.Protection, _ device.Secret) error {
			return s.Protect(t.Context(), d.DeviceID, to)
		},
		"change and confirm": func(w *world, s *device.Store, d *trust.LocalDevice, to device.Protection, with device.Secret) error {
			return errors.Join(s.Protect(t.Context(), d.DeviceID, to), s.Confirm(t.Context(), d.DeviceID, with))
		},
		"change and revert": func(w *world, s *device.Store, d *trust.LocalDevice, to device.Protection, _ device.Secret) error {
			return errors.Join(s.Protect(t.Context(), d.DeviceID, to), s.Revert(t.Context(), d.DeviceID))
		},
		"change and unlock": func(w *world, s *device.Store, d *trust.LocalDevice, to device.Protection, with device.Secret) error {
			err := s.Protect(t.Context(), d.DeviceID, to)
			s.Lock(d.DeviceID)
			_, _, e := s.Unlock(t.Context(), d.DeviceID, with)
			return errors.Join(err, e)
		},
	}
	for name, act := range acts {
		for i, from := range kinds {
			for j, to := range kinds {
				if os.Getenv("PARSEC_SOAK") == "" && j != (i+1)%len(kinds) {
					continue // each kind once on both sides will do
				}
				for steps, crashed := 0, true; crashed; steps++ {
					crashed = crashOnce(t, name, act, from.name, to.name, from.new, to.new, from.with, to.with, steps)
				}
			}
		}
	}
}

func crashOnce(t *testing.T, name string, act func(*world, *device.Store, *trust.LocalDevice, device.Protection, device.Secret) error,
	fromName, toName string, from, to device.Protection, fromWith, toWith device.Secret, steps int,
) bool {
	t.Helper()
	w := newWorld(t)
	if len(from.Password) > 0 {
		from.Password, fromWith = []byte("old"), secret("old")
	}
	d := w.add(t, "Acme", from)
	unlock(t, w.store, d, fromWith)
	left := steps
	w.store.Intercept(func(f device.Files) device.Files { return crash{f, &left} })
	_ = act(w, w.store, d, to, toWith) // that it fails where it is ended is no news
	crashed := left < 0
	w.store.Close()

	again := w.again(t)
	old, fresh := opens(t, again, d, fromWith), error(nil)
	if old != nil {
		fresh = opens(t, again, d, toWith)
	}
	if old != nil && fresh != nil {
		t.Errorf("%s, %s to %s, ended after %d steps: the device is lost: %v, %v", name, fromName, toName, steps, old, fresh)
	}
	// Whatever it is now, it can be made what it was to be.
	if _, _, err := again.Unlock(t.Context(), d.DeviceID, fromWith); err != nil {
		unlock(t, again, d, toWith)
	}
	if entryOf(t, again, d).Pending != nil {
		if err := again.Revert(t.Context(), d.DeviceID); err != nil {
			t.Error(err)
		}
	}
	if err := again.Protect(t.Context(), d.DeviceID, to); err != nil {
		t.Fatal(err)
	}
	if err := again.Confirm(t.Context(), d.DeviceID, toWith); err != nil {
		t.Fatal(err)
	}
	if want := map[bool]int{true: 1}[to.Provider != ""]; len(w.keys.Names()) > want {
		t.Errorf("%s, %s to %s, ended after %d steps: provider keys %q are left", name, fromName, toName, steps, w.keys.Names())
	}
	again.Close()
	return crashed
}

func TestFullDisk(t *testing.T) {
	w := newWorld(t)
	w.dir = disktest.Tiny(t)
	w.store = w.again(t)
	d := w.add(t, "Acme", password("old"))
	unlock(t, w.store, d, secret("old"))
	disktest.Fill(t, w.dir)
	before := list(t, filepath.Join(w.dir, "devices"))
	for _, k := range kinds {
		err := w.store.Protect(t.Context(), d.DeviceID, k.new)
		refused(t, k.name, err, unix.ENOSPC, wire.StatusInsufficientStorage)
	}
	if after := list(t, filepath.Join(w.dir, "devices")); !slices.Equal(before, after) {
		t.Errorf("the directory became %q, was %q", after, before)
	}
	if len(w.keys.Names()) != 0 {
		t.Errorf("provider keys %q are left", w.keys.Names())
	}
	if err := opens(t, w.store, d, secret("old")); err != nil {
		t.Error(err)
	}
	w.store.Close()
	disktest.Free(t, w.dir)
}

// TestUnreadableChange has a new protection that a broken disk left: the present one opens, and a new change replaces it.
func TestUnreadableChange(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("old"))
	path := filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys.new")
	if err := os.WriteFile(path, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlock(t, w.store, d, secret("old"))
	if err := w.store.Protect(t.Context(), d.DeviceID, password("new")); err != nil {
		t.Fatal(err)
	}
	w.store.Lock(d.DeviceID)
	unlock(t, w.store, d, secret("new"))
}
