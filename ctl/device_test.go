package ctl_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
)

// TestImportOfDeviceInUse has the original client hold the device's lock, then an archived file of the same name in the
// way, and then neither.
func TestImportOfDeviceInUse(t *testing.T) {
	dir := startAgent(t)
	run := func(args ...string) (int, string) {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "parsecctl", args...)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir, "GORACE="+noLinger)
		out, _ := cmd.CombinedOutput() // the status tells
		return cmd.ProcessState.ExitCode(), string(out)
	}
	root := t.TempDir()
	for _, sub := range []string{"devices", "in_use_devices"} {
		if err := os.Mkdir(filepath.Join(root, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	d := devicetest.New(t, "Acme", "laptop")
	path := filepath.Join(root, "devices", "a.keys")
	if err := os.WriteFile(path, devicetest.PasswordFile(t, d, "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := func(why string) {
		t.Helper()
		if code, out := run("device", "import", path); code == 0 || !strings.Contains(out, why) {
			t.Errorf("exit status %d:\n%s", code, out)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error("the original's file:", err)
		}
		if code, out := run("--json", "device", "list"); code != 0 || strings.Contains(out, "Acme") {
			t.Errorf("the agent kept it: %d\n%s", code, out)
		}
	}
	lock, err := os.OpenFile(filepath.Join(root, "in_use_devices", d.DeviceID.String()), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	refused("the original client has the device open")
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".archived", []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("cannot rename")
	if err := os.Remove(path + ".archived"); err != nil {
		t.Fatal(err)
	}
	if code, out := run("device", "import", path); code != 0 {
		t.Errorf("exit status %d:\n%s", code, out)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the original's file is still there:", err)
	}
}
