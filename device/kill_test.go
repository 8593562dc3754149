package device_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/device"
)

// changeForEver changes the password of the only device from "0" to "1", "2" and so on, and prints each before it begins.
// Every third change is reverted and made again.
func changeForEver(dir string) error {
	s := device.New(device.Options{Dir: dir, Budget: device.NewBudget(), Logger: slog.New(slog.DiscardHandler)})
	s.CheapPasswords()
	ctx := context.Background()
	all, _, err := s.List()
	if err != nil {
		return err
	}
	id := all[0].ID
	if _, _, err := s.Unlock(ctx, id, secret("0")); err != nil {
		return err
	}
	for n := 1; ; n++ {
		fmt.Println(n)
		next := strconv.Itoa(n)
		if err := s.Protect(ctx, id, password(next)); err != nil {
			return err
		}
		if n%3 == 0 {
			if err := s.Revert(ctx, id); err != nil {
				return err
			}
			if err := s.Protect(ctx, id, password(next)); err != nil {
				return err
			}
		}
		if err := s.Confirm(ctx, id, secret(next)); err != nil {
			return err
		}
	}
}

// TestKilled kills a program that changes protections at random moments: the device opens by the password before the
// change or by the one after it, and nothing else is left than what the next change takes away.
func TestKilled(t *testing.T) {
	rounds := 15
	if os.Getenv("PARSEC_SOAK") != "" {
		rounds = 300
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("PARSEC_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 0, 64); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		w := newWorld(t)
		d := w.add(t, "Acme", password("0"))
		last := killChanger(t, w.dir, time.Duration(random.IntN(60_000))*time.Microsecond)
		s := w.again(t)
		before, after := secret(strconv.Itoa(last-1)), secret(strconv.Itoa(last))
		with := after
		if opens(t, s, d, after) != nil {
			with = before
		}
		unlock(t, s, d, with)
		if entryOf(t, s, d).Pending != nil {
			if err := s.Revert(t.Context(), d.DeviceID); err != nil {
				t.Error(err)
			}
		}
		if err := s.Protect(t.Context(), d.DeviceID, password("x")); err != nil {
			t.Error(err)
		}
		if err := s.Confirm(t.Context(), d.DeviceID, secret("x")); err != nil {
			t.Error(err)
		}
		for _, name := range list(t, filepath.Join(w.dir, "devices")) {
			if name != d.DeviceID.String()+".keys" && !strings.HasSuffix(name, ".tmp") {
				t.Errorf("%q is left", name)
			}
		}
		s.Close()
		if t.Failed() {
			t.Fatalf("round %d, PARSEC_SEED=%d", round, seed)
		}
	}
}

// killChanger returns which change was under way, or done, when the program was killed.
func killChanger(t *testing.T, dir string, after time.Duration) (last int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if last == 1 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || last == 0 {
		t.Fatalf("the program ended by itself after %d changes: %v", last, err)
	}
	return last
}
