package device_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// original puts a device into a configuration directory of the original client, below sub-folders.
func original(t *testing.T, name string) (config string, d *trust.LocalDevice, content []byte) {
	t.Helper()
	w := newWorld(t)
	d = w.add(t, "Acme", password("theirs"))
	content, err := os.ReadFile(filepath.Join(w.dir, "devices", d.DeviceID.String()+".keys"))
	if err != nil {
		t.Fatal(err)
	}
	config = t.TempDir()
	path := filepath.Join(config, "devices", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return config, d, content
}

// lockOf takes the original client's lock of a device, as that program does.
func lockOf(t *testing.T, config string, d *trust.LocalDevice) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(config, "in_use_devices", d.DeviceID.String()), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestInPlace(t *testing.T) {
	config, d, _ := original(t, "sub/folder/any name.keys")
	w := newWorld(t)
	s := w.with(t, device.Options{Original: config})
	if e := entryOf(t, s, d); !e.InPlace || e.State != device.StateLocked {
		t.Errorf("%+v", e)
	}
	unlock(t, s, d, secret("theirs"))
	refused(t, "a form that the original cannot read", s.Protect(t.Context(), d.DeviceID, device.Protection{Provider: "token"}),
		wire.StatusNotSupported, wire.StatusNotSupported)
	if err := s.Protect(t.Context(), d.DeviceID, password("new")); err != nil {
		t.Fatal(err)
	}
	if err := s.Confirm(t.Context(), d.DeviceID, secret("new")); err != nil {
		t.Fatal(err)
	}
	if names := list(t, filepath.Join(config, "devices/sub/folder")); !slices.Equal(names, []string{"any name.keys"}) {
		t.Errorf("the original's directory holds %q", names)
	}
	if _, err := s.Export(t.Context(), d.DeviceID, []byte("x")); wire.StatusOf(err) != wire.StatusInvalidArgument {
		t.Error(err)
	}
	if err := s.Forget(t.Context(), d.DeviceID); wire.StatusOf(err) != wire.StatusNotSupported {
		t.Error(err)
	}
	s.Lock(d.DeviceID)
	held := lockOf(t, config, d)
	refused(t, "the original runs it", opens(t, s, d, secret("new")), device.ErrInUse, wire.StatusBadState)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	unlock(t, s, d, secret("new"))
	f, err := os.Open(filepath.Join(config, "in_use_devices", d.DeviceID.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Error("the original could run it too:", err)
	}
}

func TestImport(t *testing.T) {
	config, d, content := original(t, "x.keys")
	w := newWorld(t)
	s := w.with(t, device.Options{Original: config})
	for range 2 { // it may be repeated
		e, err := s.Import(t.Context(), content)
		if err != nil || e.State != device.StateImporting {
			t.Fatalf("%+v, %v", e, err)
		}
	}
	refused(t, "used too early", opens(t, s, d, secret("theirs")), device.ErrInUse, wire.StatusBadState)
	refused(t, "the original still has it", s.CommitImport(t.Context(), d.DeviceID), device.ErrInUse, wire.StatusBadState)
	path := filepath.Join(config, "devices/x.keys")
	if err := os.Rename(path, path+".archived"); err != nil {
		t.Fatal(err)
	}
	if err := s.CommitImport(t.Context(), d.DeviceID); err != nil {
		t.Fatal(err)
	}
	_, err := s.Import(t.Context(), content)
	refused(t, "imported twice", err, device.ErrExists, wire.StatusAlreadyExists)
	refused(t, "committed twice", s.CommitImport(t.Context(), d.DeviceID), device.ErrNoChange, wire.StatusBadState)
	if err := opens(t, s, d, secret("theirs")); err != nil {
		t.Fatal(err)
	}
	// Though the original gave it up, its lock counts as long as the directory is there.
	held := lockOf(t, config, d)
	refused(t, "the original runs it all the same", opens(t, s, d, secret("theirs")), device.ErrInUse, wire.StatusBadState)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(t.Context(), d.DeviceID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	if err := s.CancelImport(t.Context(), d.DeviceID); err != nil {
		t.Fatal(err)
	}
	if names := list(t, filepath.Join(w.dir, "devices")); len(names) != 0 {
		t.Errorf("%q is left", names)
	}
}

func TestImportRefuses(t *testing.T) {
	w := newWorld(t)
	d := devicetest.New(t, "Acme", "x")
	file, passphrase, err := device.SealRecovery(d, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.store.Import(t.Context(), file)
	refused(t, "a recovery file", err, device.ErrKind, wire.StatusNotSupported)
	for what, content := range map[string][]byte{"nothing": nil, "rubbish": []byte("rubbish"), "too much": make([]byte, 3<<20)} {
		_, err = w.store.Import(t.Context(), content)
		refused(t, what, err, device.ErrDamaged, wire.StatusDataCorrupt)
	}
	got, err := w.store.OpenRecovery(t.Context(), file, bytes.ToLower(bytes.ReplaceAll(passphrase, []byte("-"), []byte(" "))))
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Same(t, got, d)
	passphrase[0] ^= 1
	_, err = w.store.OpenRecovery(t.Context(), file, passphrase)
	refused(t, "wrong passphrase", err, device.ErrSecret, wire.StatusNotPermitted)
	_, err = w.store.OpenRecovery(t.Context(), file, []byte("x"))
	refused(t, "no passphrase", err, device.ErrSecret, wire.StatusNotPermitted)
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	d := w.add(t, "Acme", device.Protection{Password: []byte("mine"), Provider: "token"})
	_, err := w.store.Export(t.Context(), d.DeviceID, []byte("theirs"))
	refused(t, "a locked device", err, device.ErrLocked, wire.StatusBadState)
	unlock(t, w.store, d, secret("mine"))
	content, err := w.store.Export(t.Context(), d.DeviceID, []byte("theirs"))
	if err != nil {
		t.Fatal(err)
	}
	if e := entryOf(t, w.store, d); e.State != device.StateExported {
		t.Errorf("%+v", e)
	}
	refused(t, "used after all", opens(t, w.store, d, secret("mine")), device.ErrInUse, wire.StatusBadState)
	other := newWorld(t)
	if _, err := other.store.Import(t.Context(), content); err != nil {
		t.Fatal(err)
	}
	if err := other.store.CommitImport(t.Context(), d.DeviceID); err != nil {
		t.Fatal(err)
	}
	unlock(t, other.store, d, secret("theirs"))
	if err := w.store.UndoExport(t.Context(), d.DeviceID); err != nil {
		t.Fatal(err)
	}
	unlock(t, w.store, d, secret("mine"))
	file, passphrase, err := w.store.Recovery(d.DeviceID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := other.store.OpenRecovery(t.Context(), file, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	devicetest.Same(t, got, d)
}

// TestMoveCrashes ends import and export after each of their steps: the device is never active twice, and never lost.
func TestMoveCrashes(t *testing.T) {
	for steps := range 4 {
		w := newWorld(t)
		d := w.add(t, "Acme", password("mine"))
		unlock(t, w.store, d, secret("mine"))
		left := steps
		w.store.Intercept(func(f device.Files) device.Files { return crash{f, &left} })
		content, err := w.store.Export(t.Context(), d.DeviceID, []byte("theirs"))
		w.store.Close()
		s := w.again(t)
		if e := entryOf(t, s, d); err == nil && e.State != device.StateExported || err != nil && e.State != device.StateLocked {
			t.Errorf("%d steps: after %v it is %s", steps, err, e.State)
		}
		if err != nil {
			continue
		}
		other := newWorld(t)
		left = steps - 1
		other.store.Intercept(func(f device.Files) device.Files { return crash{f, &left} })
		_, importErr := other.store.Import(t.Context(), content)
		commitErr := other.store.CommitImport(t.Context(), d.DeviceID)
		o := other.again(t)
		if err := opens(t, o, d, secret("theirs")); (err == nil) != (commitErr == nil) {
			t.Errorf("%d steps: import %v, commit %v, and then %v", steps, importErr, commitErr, err)
		}
		if commitErr == nil {
			continue
		}
		if _, err := o.Import(t.Context(), content); err != nil {
			t.Error(err)
		}
		if err := o.CommitImport(t.Context(), d.DeviceID); err != nil {
			t.Error(err)
		}
		unlock(t, o, d, secret("theirs"))
	}
}
