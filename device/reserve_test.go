package device_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// TestReserve keeps keys of a device to be: they open, are no device, and go without a trace.
func TestReserve(t *testing.T) {
	for name, p := range map[string]device.Protection{
		"password": password("one"), "provider": {Provider: "token"}, "both": {Password: []byte("one"), Provider: "token"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := devicetest.New(t, "Acme", "laptop")
			if err := w.store.Reserve(t.Context(), d, p); err != nil {
				t.Fatal(err)
			}
			s := w.again(t)
			if all, bad, err := s.List(); len(all) != 0 || len(bad) != 0 || err != nil {
				t.Errorf("listed as %d devices, %d damaged files, %v", len(all), len(bad), err)
			}
			if err := opens(t, s, d, secret("one")); err == nil {
				t.Error("it unlocks as a device")
			}
			got, err := s.Reserved(t.Context(), d.DeviceID, secret("one"))
			if err != nil {
				t.Fatal(err)
			}
			devicetest.Same(t, got, d)
			// The device itself can come beside it, with a provider key of its own.
			if err := s.Add(t.Context(), d, p); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Release(t.Context(), d.DeviceID); err != nil {
					t.Fatal(err)
				}
			}
			unlock(t, s, d, secret("one"))
			if files := list(t, filepath.Join(w.dir, "devices")); !slices.Equal(files, []string{d.DeviceID.String() + ".keys"}) {
				t.Errorf("left are %q", files)
			}
			if left := w.keys.Names(); slices.ContainsFunc(left, func(s string) bool { return strings.HasSuffix(s, "/r") }) {
				t.Errorf("left are the keys %q", left)
			}
			_, err = s.Reserved(t.Context(), d.DeviceID, secret("one"))
			refused(t, "after Release", err, device.ErrNotFound, wire.StatusDoesNotExist)
		})
	}
}

func TestReserveRefuses(t *testing.T) {
	w := newWorld(t)
	d := devicetest.New(t, "Acme", "laptop")
	if err := w.store.Reserve(t.Context(), d, device.Protection{}); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Errorf("without protection: %v", err)
	}
	if err := w.store.Reserve(t.Context(), d, device.Protection{Provider: "nobody"}); err == nil {
		t.Error("by a provider that is not there")
	}
	if err := w.store.Reserve(t.Context(), d, password("one")); err != nil {
		t.Fatal(err)
	}
	refused(t, "reserved twice", w.store.Reserve(t.Context(), d, password("two")), device.ErrExists, wire.StatusAlreadyExists)
	_, err := w.store.Reserved(t.Context(), d.DeviceID, secret("two"))
	refused(t, "wrong secret", err, device.ErrSecret, wire.StatusNotPermitted)
	path := filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys.reserved")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = w.store.Reserved(t.Context(), d.DeviceID, secret("one"))
	refused(t, "damaged", err, device.ErrDamaged, wire.StatusDataCorrupt)
	if err := w.store.Release(t.Context(), d.DeviceID); err != nil {
		t.Error(err)
	}
}
