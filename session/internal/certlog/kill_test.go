package certlog

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/trusttest"
)

// writerVariable makes the test program write into the directory that it names.
const writerVariable = "CERTLOG_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerVariable); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver adds a user at a time, and prints how many there are when they are kept. Every tenth time everything begins anew.
func writeForEver(dir string) error {
	b := founded(dir)
	l, s, err := Open(b.dir, b.keys, b.newStore)
	if err != nil {
		return err
	}
	for n := 2; ; n++ {
		b.Enrol(b.self.Devices[0], trust.Standard)
		if n%10 == 0 {
			if err := s.Clear(); err != nil {
				return err
			}
		}
		if err := s.Add(b.Stream(b.self).Since(s.Last())); err != nil {
			return err
		}
		if err := l.SetViewed(time.UnixMicro(int64(n))); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// founded is an organisation that two processes make alike.
func founded(dir string) *bench {
	o := trusttest.New(trusttest.Options{Seed: 7})
	o.Found()
	b := &bench{Organisation: o, self: o.Users()[0], dir: dir}
	b.keys = keysOf(fixedDevice(o, b.self, 4))
	return b
}

// TestKilled kills a writer at random moments: everything that it acknowledged is there, or is demanded of the server, and the log goes on.
func TestKilled(t *testing.T) {
	rounds := 10
	if trusttest.Soak() {
		rounds = 300
	}
	random := rand.New(rand.NewPCG(trusttest.Seed(t), 0))
	for range rounds {
		dir := filepath.Join(t.TempDir(), "log")
		n := killWriter(t, dir, time.Duration(random.IntN(60_000))*time.Microsecond)
		b := founded(dir)
		for range n + 3 { // what it may have made
			b.Enrol(b.self.Devices[0], trust.Standard)
		}
		l, s, err := b.open(t)
		if damage := (*DamageError)(nil); err != nil && (!errors.As(err, &damage) || damage.Lost) {
			t.Fatal(err)
		}
		if l.Lost() || len(s.Users()) < n && l.Missing() == nil {
			t.Fatalf("%d users of %d, missing %v, lost %v", len(s.Users()), n, l.Missing(), l.Lost())
		}
		if l.Missing() != nil {
			short := trust.Batch{Common: b.StreamAt(b.self, n-1).Batch().Common}
			if err := s.Add(short); !errors.As(err, new(*RollbackError)) {
				t.Fatalf("after %d users %d are enough: %v", n, len(short.Common)/2, err)
			}
		}
		b.add(t, s)
		if len(s.Users()) != n+4 {
			t.Fatalf("%d users, want %d", len(s.Users()), n+4)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killWriter returns how many users the writer had kept when it was killed.
func killWriter(t *testing.T, dir string, after time.Duration) (last int) {
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
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // half a line was not acknowledged
		}
		if last, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
			t.Fatal(err)
		}
		if last == 2 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || last == 0 {
		t.Fatalf("the writer ended by itself with %d users: %v", last, err)
	}
	return last
}

// TestFullDisk: what cannot be kept is not accepted, and comes when there is room.
func TestFullDisk(t *testing.T) {
	b := newBench(t)
	mount := disktest.Tiny(t)
	b.dir = filepath.Join(mount, "log")
	l, s, err := Open(b.dir, b.keys, b.newStore)
	if err != nil {
		t.Fatal(err)
	}
	b.add(t, s)
	disktest.Fill(t, mount)
	for range 20 {
		b.Enrol(b.self.Devices[0], trust.Standard)
	}
	before := len(s.Users())
	if err := s.Add(b.Stream(b.self).Since(s.Last())); err == nil || len(s.Users()) != before {
		t.Errorf("%v, %d users", err, len(s.Users()))
	}
	disktest.Free(t, mount)
	b.add(t, s)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, again, err := Open(b.dir, b.keys, b.newStore)
	if err != nil || !same(s, again) || len(again.Users()) != 21 {
		t.Errorf("%v, %d users", err, len(again.Users()))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkOpen loads a log of 100,000 certificates.
func BenchmarkOpen(b *testing.B) {
	const certificates = 100_000
	w := newBench(b)
	bob := w.Enrol(w.self.Devices[0], trust.Standard)
	for i := range certificates {
		w.Update(w.self.Devices[0], bob, []trust.Profile{trust.Admin, trust.Standard}[i%2])
	}
	l, s := w.whole(b)
	w.add(b, s)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		l, s, err := Open(w.dir, w.keys, w.newStore)
		if err != nil || len(s.Users()) != 2 {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*certificates), "µs/certificate")
}
