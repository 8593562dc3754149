package device_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Variables that make the test program something else.
const (
	holderVariable = "DEVICE_TEST_HOLDER"
	writerVariable = "DEVICE_TEST_WRITER"
)

// usingSteps is how often holdDevices uses its keys.
const usingSteps = 20

// holdDevices unlocks the only device of a directory with the password in a file beside it, uses its keys for all that they are for, and locks it
// again, each when a line comes.
func holdDevices(dir string) error {
	s := device.New(device.Options{Dir: dir, Budget: device.NewBudget(), Logger: slog.New(slog.DiscardHandler)})
	all, _, err := s.List()
	if err != nil {
		return err
	}
	var line [1]byte
	var unlocked *device.Unlocked
	unlock := func() error {
		password, err := os.ReadFile(filepath.Join(dir, "password"))
		if err != nil {
			return err
		}
		defer clear(password)
		unlocked, _, err = s.Unlock(context.Background(), all[0].ID, device.Secret{Password: password})
		return err
	}
	use := func() error {
		for range 20 {
			if err := unlocked.Use(useKeys); err != nil {
				return err
			}
		}
		return nil
	}
	lock := func() error {
		s.Lock(all[0].ID)
		return nil
	}
	for _, step := range slices.Concat([]func() error{unlock}, slices.Repeat([]func() error{use}, usingSteps), []func() error{lock}) {
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

// useKeys does once what sessions and enrolments do with each key of a device.
func useKeys(d *trust.LocalDevice) error {
	_, err := d.SigningKey.Sign(make([]byte, 300))
	_, failed := d.SigningKey.VerifyKey()
	err = errors.Join(err, failed)
	public, failed := d.PrivateKey.Public()
	err = errors.Join(err, failed)
	sealed, failed := public.Seal([]byte("message"))
	err = errors.Join(err, failed)
	_, failed = d.PrivateKey.Open(sealed)
	err = errors.Join(err, failed)
	shared, failed := d.PrivateKey.GreeterSharedSecret(public)
	err = errors.Join(err, failed)
	shared.Wipe()
	for _, key := range []trust.SecretKey{d.UserRealmKey, d.LocalSymkey} {
		sealed, failed := key.Encrypt([]byte("message"))
		err = errors.Join(err, failed)
		_, failed = key.Decrypt(sealed)
		err = errors.Join(err, failed)
		_, failed = key.MAC512(sealed)
		err = errors.Join(err, failed)
	}
	keeping, failed := d.KeepingKey()
	err = errors.Join(err, failed)
	keeping.Wipe()
	_, passphrase, failed := device.SealRecovery(d, time.Now())
	clear(passphrase)
	return errors.Join(err, failed)
}

// TestMemory searches all of the memory of a program that unlocks a device, uses it, and locks it: its keys are in locked memory once while it is unlocked,
// and nowhere else, nor anything that is made of them. Signals come while it works: with each the kernel writes the registers of a thread to memory,
// where they stay until the next one.
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
	derived := devicetest.Derived(t, d)
	maps.Copy(needles, derived)
	for _, step := range slices.Concat([]string{"unlocked"}, slices.Repeat([]string{"used"}, usingSteps), []string{"locked"}) {
		devicetest.Interrupt(t, cmd.Process.Pid, rand.IntN(500))
		if !lines.Scan() || lines.Text() != "done" {
			t.Fatal("the program ended:", lines.Text())
		}
		for what, n := range devicetest.SearchMemory(t, cmd.Process.Pid, needles) {
			want := devicetest.Copies{}
			if _, made := derived[what]; step != "locked" && !made {
				want.Locked = 1
			}
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
