package device_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/device"
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
	needles := map[string][]byte{
		"signing key": export(t, d.SigningKey), "private key": export(t, d.PrivateKey), "user realm key": export(t, d.UserRealmKey), "local key": export(t, d.LocalSymkey),
		"password": []byte(typed),
	}
	for _, step := range []string{"unlocked", "locked"} {
		if !lines.Scan() || lines.Text() != "done" {
			t.Fatal("the program ended:", lines.Text())
		}
		for what, n := range search(t, cmd.Process.Pid, needles) {
			want := count{inLocked: map[string]int{"unlocked": 1}[step]}
			if what != "password" && n != want {
				t.Errorf("%s: the %s is %d times in locked memory, want %d, and %d times elsewhere", step, what, n.inLocked, want.inLocked, n.elsewhere)
			}
			// BLAKE2b inside of the library's Argon2id keeps its last block, and a copy of it, until their memory is used again.
			if what == "password" && n.inLocked+n.elsewhere > 2 {
				t.Errorf("%s: the password is %d times in memory", step, n.inLocked+n.elsewhere)
			}
		}
		if _, err := in.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
	}
}

func export(t *testing.T, s interface{ Export() ([]byte, error) }) []byte {
	t.Helper()
	b, err := s.Export()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// count says how often something is in the memory of a process: in mappings that are locked and not dumped, and in others.
type count struct{ inLocked, elsewhere int }

// search looks for needles in all pages that a process has.
func search(t *testing.T, pid int, needles map[string][]byte) map[string]count {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	p := process{t: t, mem: open(t, pid, "mem"), pages: open(t, pid, "pagemap")}
	total, here := map[string]count{}, map[string]int{}
	for what := range needles {
		total[what] = count{}
	}
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		if from, to, ok := strings.Cut(fields[0], "-"); ok && len(fields) >= 5 {
			clear(here)
			a, errA := strconv.ParseUint(from, 16, 64)
			b, errB := strconv.ParseUint(to, 16, 64)
			if errA == nil && errB == nil && strings.HasPrefix(fields[1], "r") && b-a <= 1<<33 { // larger is the race detector's
				p.count(a, b, needles, here)
			}
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok {
			flags = " " + flags
			safe := strings.Contains(flags, " lo ") && strings.Contains(flags, " dd ")
			for what, n := range here {
				c := total[what]
				if safe {
					c.inLocked += n
				} else {
					c.elsewhere += n
				}
				total[what] = c
			}
		}
	}
	if p.looked < 1<<20 {
		t.Fatalf("only %d bytes of memory could be read", p.looked)
	}
	return total
}

func open(t *testing.T, pid int, name string) *os.File {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

type process struct {
	t          *testing.T
	mem, pages *os.File
	looked     int
}

// count adds what is found in the pages of a mapping that exist.
func (p *process) count(from, to uint64, needles map[string][]byte, found map[string]int) {
	page := uint64(os.Getpagesize())
	entries := make([]byte, (to-from)/page*8)
	if _, err := p.pages.ReadAt(entries, int64(from/page*8)); err != nil {
		return // one of the kernel's own mappings
	}
	exists := func(i uint64) bool { return entries[i*8+7]&0xc0 != 0 } // in memory or swapped out
	for i := uint64(0); i < (to-from)/page; i++ {
		first := i
		for i < (to-from)/page && exists(i) {
			i++
		}
		if i == first {
			continue
		}
		content := make([]byte, (i-first)*page)
		n, _ := p.mem.ReadAt(content, int64(from+first*page)) // some special mappings cannot be read
		p.looked += n
		for what, needle := range needles {
			found[what] += bytes.Count(content[:n], needle)
		}
	}
}
