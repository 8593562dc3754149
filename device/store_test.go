package device_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestPasswordDevice(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("one"))
	path := filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys")
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	refused(t, "wrong password", opens(t, w.store, d, secret("two")), device.ErrSecret, wire.StatusNotPermitted)
	refused(t, "no password", opens(t, w.store, d, device.Secret{}), wire.StatusInvalidArgument, wire.StatusInvalidArgument)
	if _, err := w.store.Get(d.DeviceID); !errors.Is(err, device.ErrLocked) {
		t.Error(err)
	}
	unlock(t, w.store, d, secret("one"))
	if _, already, err := w.store.Unlock(t.Context(), d.DeviceID, device.Secret{}); err != nil || !already {
		t.Error("a second unlock looks at the secret:", err)
	}
	e := entryOf(t, w.store, d)
	if e.State != device.StateUnlocked || e.Protection != (device.Layers{Kind: device.KindPassword}) || e.String() != "Acme/laptop" {
		t.Errorf("%+v", e)
	}
	u, err := w.store.Get(d.DeviceID)
	if err != nil {
		t.Fatal(err)
	}
	w.store.Lock(d.DeviceID)
	<-u.Done()
	if err := u.Use(func(*trust.LocalDevice) error { return nil }); !errors.Is(err, device.ErrLocked) {
		t.Error("used a locked device:", err)
	}
	if e := entryOf(t, w.store, d); e.State != device.StateLocked {
		t.Errorf("%+v", e)
	}
	err = w.store.Add(t.Context(), d, password("x"))
	refused(t, "added twice", err, device.ErrExists, wire.StatusAlreadyExists)
}

// TestInUse has two programs, as two stores, want one device.
func TestInUse(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("one"))
	other := w.again(t)
	unlock(t, w.store, d, secret("one"))
	refused(t, "second program", opens(t, other, d, secret("one")), device.ErrInUse, wire.StatusBadState)
	w.store.Close()
	unlock(t, other, d, secret("one"))
	refused(t, "closed store", opens(t, w.store, d, secret("one")), device.ErrInUse, wire.StatusBadState)
}

func TestDamagedFiles(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("one"))
	dir := filepath.Join(w.dir, "devices")
	for name, content := range map[string]string{
		"empty.keys": "", "text.keys": "hello", "ours.keys": "PARSECD\x00\x02\x00\x00\x00", "large.keys": strings.Repeat("x", 3<<20),
		"other.txt": "x", "x.keys.archived": "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(d.DeviceID.String()+".keys", filepath.Join(dir, "link.keys")); err != nil {
		t.Fatal(err)
	}
	all, bad, err := w.store.List()
	var names []string
	for _, b := range bad {
		names = append(names, b.Name)
	}
	if err != nil || len(all) != 1 || !slices.Equal(names, []string{"empty.keys", "large.keys", "link.keys", "ours.keys", "text.keys"}) {
		t.Errorf("%d devices, damaged %q, %v", len(all), names, err)
	}
	unlock(t, w.store, d, secret("one"))
}

// TestHeaderOfAnother gives a device's file the name and header of another one.
func TestHeaderOfAnother(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, "Acme", password("one")), w.add(t, "Bcme", password("one"))
	path := func(d *trust.LocalDevice) string { return filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys") }
	content, err := os.ReadFile(path(a))
	if err != nil {
		t.Fatal(err)
	}
	forged := []byte(strings.ReplaceAll(string(content), string(a.DeviceID[:]), string(b.DeviceID[:])))
	if err := os.WriteFile(path(b), forged, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "forged header", opens(t, w.store, b, secret("one")), device.ErrDamaged, wire.StatusDataCorrupt)
}

func TestIdle(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", password("one"))
	synctest.Test(t, func(t *testing.T) {
		s := w.with(t, device.Options{Idle: time.Hour})
		unlock(t, s, d, secret("one"))
		u, err := s.Get(d.DeviceID)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(50 * time.Minute)
			if err := u.Use(func(*trust.LocalDevice) error { return nil }); err != nil {
				t.Fatal("a device in use was locked:", err)
			}
		}
		for range 2 { // what the agent does by itself is no use
			time.Sleep(25 * time.Minute)
			if err := u.UseQuietly(func(*trust.LocalDevice) error { return nil }); err != nil {
				t.Fatal("locked too early:", err)
			}
		}
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if err := u.UseQuietly(func(*trust.LocalDevice) error { return nil }); !errors.Is(err, device.ErrLocked) {
			t.Error("an idle device stays unlocked:", err)
		}
		if err := u.Use(func(*trust.LocalDevice) error { return nil }); !errors.Is(err, device.ErrLocked) {
			t.Error("an idle device stays unlocked:", err)
		}
		s.Close()
	})
}

func TestWrongSecretsWait(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, "Acme", password("one")), w.add(t, "Bcme", password("one"))
	now := time.Now()
	w.store.SetClock(func() time.Time { return now })
	for range 3 {
		refused(t, "wrong", opens(t, w.store, a, secret("x")), device.ErrSecret, wire.StatusNotPermitted)
	}
	for _, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		wait := time.Duration(seconds) * time.Second
		refused(t, "too early", opens(t, w.store, a, secret("one")), device.ErrWait, wire.StatusNotPermitted)
		refused(t, "too early, for another device", opens(t, w.store, b, secret("one")), device.ErrWait, wire.StatusNotPermitted)
		now = now.Add(wait - time.Millisecond)
		refused(t, "still too early", opens(t, w.store, a, secret("x")), device.ErrWait, wire.StatusNotPermitted)
		now = now.Add(time.Millisecond)
		refused(t, "wrong again", opens(t, w.store, a, secret("x")), device.ErrSecret, wire.StatusNotPermitted)
	}
	now = now.Add(5 * time.Minute)
	if err := opens(t, w.store, a, secret("one")); err != nil {
		t.Fatal(err)
	}
	refused(t, "forgiven", opens(t, w.store, a, secret("x")), device.ErrSecret, wire.StatusNotPermitted)
	if err := opens(t, w.store, a, secret("one")); err != nil {
		t.Fatal(err)
	}
}

func TestSelect(t *testing.T) {
	w := newWorld(t)
	a, b := w.add(t, "Acme", password("1")), w.add(t, "Bcme", password("1"))
	second := devicetest.New(t, "Acme", "desk")
	if err := w.store.Add(t.Context(), second, password("1")); err != nil {
		t.Fatal(err)
	}
	all, _, err := w.store.List()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]trust.DeviceID{
		a.DeviceID.String(): a.DeviceID, b.DeviceID.String()[:8]: b.DeviceID, strings.ToUpper(b.DeviceID.String()[:9]): b.DeviceID,
		"bcme": b.DeviceID, "acme/desk": second.DeviceID, "desk": second.DeviceID, "alice@bcme.example.com": b.DeviceID,
	} {
		if e, err := device.Select(all, text); err != nil || e.ID != want {
			t.Errorf("%q is %s, %v", text, e.ID, err)
		}
	}
	for _, text := range []string{"", "Acme", "laptop", "parsec.example.com"} {
		_, err := device.Select(all, text)
		refused(t, text, err, device.ErrAmbiguous, wire.StatusInvalidArgument)
		if !strings.Contains(err.Error(), a.DeviceID.String()) {
			t.Errorf("%q does not list the devices: %v", text, err)
		}
	}
	for _, text := range []string{"nobody", a.DeviceID.String()[:3], "*"} {
		_, err := device.Select(all, text)
		refused(t, text, err, device.ErrNotFound, wire.StatusDoesNotExist)
	}
	_, err = device.Select(nil, "")
	refused(t, "nothing", err, device.ErrNotFound, wire.StatusDoesNotExist)
}
