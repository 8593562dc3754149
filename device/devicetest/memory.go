package devicetest

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"filippo.io/edwards25519"
	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Secrets returns the long-lived keys of a device by their names.
func Secrets(t testing.TB, d *trust.LocalDevice) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for what, s := range map[string]interface{ Export() ([]byte, error) }{
		"signing key": d.SigningKey, "private key": d.PrivateKey, "user realm key": d.UserRealmKey, "local key": d.LocalSymkey,
	} {
		b, err := s.Export()
		must(t, err)
		all[what] = b
	}
	return all
}

// Derived returns what signing and agreeing make of a device's keys, and what is as good as they are.
func Derived(t testing.TB, d *trust.LocalDevice) map[string][]byte {
	t.Helper()
	seed, err := d.SigningKey.Export()
	must(t, err)
	expanded := sha512.Sum512(seed)
	scalar, err := edwards25519.NewScalar().SetBytesWithClamping(expanded[:trust.KeySize])
	must(t, err)
	private, err := d.PrivateKey.Export()
	must(t, err)
	all := map[string][]byte{
		"expanded signing key": expanded[:trust.KeySize], "scalar of the signing key": scalar.Bytes(), "prefix of the signing key": expanded[trust.KeySize:],
	}
	for what, b := range map[string][]byte{"clamped signing key": expanded[:trust.KeySize], "clamped private key": private} {
		c := bytes.Clone(b)
		c[0] &= 248
		c[31] = c[31]&127 | 64
		if !bytes.Equal(c, b) {
			all[what] = c
		}
	}
	return all
}

// Copies says how often something is in the memory of a process: in mappings that are locked and not dumped, and in others.
type Copies struct{ Locked, Elsewhere int }

// SearchMemory looks for needles in all pages that a process has.
func SearchMemory(t testing.TB, pid int, needles map[string][]byte) map[string]Copies {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	p := process{mem: openProc(t, pid, "mem"), pages: openProc(t, pid, "pagemap")}
	total, here := map[string]Copies{}, map[string]int{}
	for what := range needles {
		total[what] = Copies{}
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
					c.Locked += n
				} else {
					c.Elsewhere += n
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

// Interrupt sends every thread of a process a number of signals that mean nothing to it.
func Interrupt(t testing.TB, pid, times int) {
	t.Helper()
	for range times {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, thread := range threads {
			tid, err := strconv.Atoi(thread.Name())
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Tgkill(pid, tid, unix.SIGURG); err != nil && !errors.Is(err, unix.ESRCH) { // the thread ended
				t.Fatal(err)
			}
		}
	}
}

func openProc(t testing.TB, pid int, name string) *os.File {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

type process struct {
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
