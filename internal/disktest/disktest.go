// Package disktest gives tests a file system of their own that can be full or read-only.
// It needs the right to mount: under CI its absence fails the test, elsewhere it skips.
package disktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Tiny mounts a file system of 64 KiB in memory and returns its path. It is unmounted
// when the test ends; everything in it must be closed by then.
func Tiny(t *testing.T) string { t.Helper(); return Sized(t, 64) }

// Sized is Tiny with so many KiB.
func Sized(t *testing.T, kib int) string {
	t.Helper()
	path := t.TempDir()
	err := unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		if os.Getenv("CI") != "" {
			t.Fatalf("cannot mount a file system: %v", err)
		}
		t.Skip("needs the right to mount a file system (run as root)")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(path, 0); err != nil {
			t.Errorf("cannot unmount %s: %v", path, err)
		}
	})
	return path
}

// Fill writes a file "filler" until the file system is full.
func Fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(filepath.Join(path, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); err != nil {
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			return
		}
	}
}

// Free removes what Fill wrote.
func Free(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(filepath.Join(path, "filler")); err != nil {
		t.Fatal(err)
	}
}

// ReadOnly makes the file system read-only; nothing may be open for writing.
func ReadOnly(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
