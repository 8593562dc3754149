package kimtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/kim"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// mount mounts an empty file system of 512 KiB that the test can fill or make read-only.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k,mode=0700"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("cannot mount a tmpfs, which needs root: %v", err)
		}
		t.Skipf("cannot mount a tmpfs, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// refuses checks that creating fails with a reason that contains one of the words, that
// reading goes on, and that nothing of the name is left.
func refuses(t *testing.T, s kim.Store, old, young kim.Entry, word string) {
	t.Helper()
	for _, do := range []func() error{
		func() error { return Create(t, s, young) },
		func() error { return Create(t, s, young) }, // the name was free again
	} {
		err := do()
		if err == nil {
			t.Fatal("creating succeeds on a disk that cannot be written")
		}
		is(t, "status", err, wire.StatusKeyInfoManagerError)
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
	holds(t, s, old)
	_, err := s.Get(young.Owner, young.Name, young.Provider)
	is(t, "get what failed", err, kim.ErrNotFound)
}

func testFullDisk(t *testing.T, c Config) {
	dir := mount(t)
	s := open(t, c, filepath.Join(dir, "state"))
	old, young := entry(Alice, "old", "1", P256()), entry(Alice, "young", strings.Repeat("2", 9000), P256())
	create(t, s, old)
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	refuses(t, s, old, young, "disk is full")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	create(t, s, young)
	if err := s.Delete(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	Same(t, "after reopening", open(t, c, filepath.Join(dir, "state")).All(), []kim.Entry{young})
}

// fill writes a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	_ = f.Close() // full
}

func testReadOnlyDisk(t *testing.T, c Config) {
	dir := mount(t)
	state := filepath.Join(dir, "state")
	s := open(t, c, state)
	old, young := entry(Alice, "old", "1", P256()), entry(Alice, "young", "2", P256())
	create(t, s, old)
	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	refuses(t, s, old, young, "cannot")
	if err := s.Delete(t.Context(), old); wire.StatusOf(err) != wire.StatusKeyInfoManagerError {
		t.Errorf("delete on a read-only disk: %v", err)
	}
	changed := old
	changed.KeyID = []byte("3")
	if err := s.Update(t.Context(), changed); wire.StatusOf(err) != wire.StatusKeyInfoManagerError {
		t.Errorf("update on a read-only disk: %v", err)
	}
	holds(t, s, old)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, c, state) // reading needs no writing
	Same(t, "opened read-only", s.All(), []kim.Entry{old})
	refuses(t, s, old, young, "cannot")
	if _, err := c.Open(t, filepath.Join(dir, "new")); err == nil {
		t.Error("a new store opens on a read-only disk")
	}
	remount(0)
	create(t, s, young)
	Same(t, "after writing again", s.List(Alice), []kim.Entry{old, young})
}

// LockFile locks a file as another process would, until release is called.
func LockFile(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	// flock belongs to the open file, not to the process.
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
