package device_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
)

// Variables that make the test program something else.
const (
	holderVariable = "DEVICE_TEST_HOLDER"
	writerVariable = "DEVICE_TEST_WRITER"
)

// holdDevices unlocks the only device of a directory with the password in a file beside it, and locks it again, each when
// a line comes.
func holdDevices(dir string) error {
	s := device.New(device.Options{Dir: dir, Budget: device.NewBudget(), Logger: slog.New(slog.DiscardHandler)})
	all, _, err := s.List()
	if err != nil {
		return err
	}
	var line [1]byte
	for _, step := range []func() error{
		func() error {
			password, err := os.ReadFile(filepath.Join(dir, "password"))
			if err != nil {
				return err
			}
			defer clear(password)
			_, _, err = s.Unlock(context.Background(), all[0].ID, device.Secret{Password: password})
			return err
		},
		func() error { s.Lock(all[0].ID); return nil },
	} {
		if err := step(); err != nil {
			return err
		}
		fmt.Println("done")
		if _, err := io.ReadFull(os.Stdin, line[:]); err != nil {
			return err
		}
	}
	return nil
}

// TestMemory searches all of the memory of a program that unlocks and locks a device.
func TestMemory(t *testing.T) {
	w := newWorld(t)
	typed := "correct horse battery staple"
	d := w.add(t, "Acme", password(typed))
	if err := os.WriteFile(filepath.Join(w.dir, "password"), []byte(typed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holderVariable+"="+w.dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	needles := devicetest.Secrets(t, d)
	needles["password"] = []byte(typed)
	for _, step := range []string{"unlocked", "locked"} {
		if !lines.Scan() || lines.Text() != "done" {
			t.Fatal("the program ended:", lines.Text())
		}
		for what, n := range devicetest.SearchMemory(t, cmd.Process.Pid, needles) {
			want := devicetest.Copies{Locked: map[string]int{"unlocked": 1}[step]}
			if what != "password" && n != want {
				t.Errorf("%s: the %s is %d times in locked memory, want %d, and %d times elsewhere", step, what, n.Locked, want.Locked, n.Elsewhere)
			}
			// BLAKE2b inside of the library's Argon2id keeps its last block, and a copy of it, until their memory is used again.
			if what == "password" && n.Locked+n.Elsewhere > 2 {
				t.Errorf("%s: the password is %d times in memory", step, n.Locked+n.Elsewhere)
			}
		}
		if _, err := in.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
}
