package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a sink in memory that can be made to fail or to block.
type memory struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	writes int
	accept int // bytes that are still taken before errFull; below 0 no limit
	gate   chan struct{}
}

var errFull = errors.New("no space left")

func (m *memory) Write(p []byte) (int, error) {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	n := len(p)
	if m.accept >= 0 {
		n = min(n, m.accept)
		m.accept -= n
	}
	m.buf.Write(p[:n])
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func (m *memory) set(accept int) { m.mu.Lock(); defer m.mu.Unlock(); m.accept = accept }
func (m *memory) text() string   { m.mu.Lock(); defer m.mu.Unlock(); return m.buf.String() }

func keyed(n int) *Record { return &Record{Key: fmt.Sprintf("k%05d", n)} }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func closeLog(t *testing.T, l *Logger) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestOrderPrefixAndDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{accept: -1}
		l := New(ToLog(m, "<5>"), discard())
		for i := range 3 {
			l.Record(keyed(i))
		}
		time.Sleep(flushDelay - time.Millisecond)
		synctest.Wait()
		if m.text() != "" {
			t.Error("written before the delay")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		lines := strings.Split(strings.TrimSuffix(m.text(), "\n"), "\n")
		if len(lines) != 3 || m.writes != 1 {
			t.Fatalf("%d lines in %d writes", len(lines), m.writes)
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, `<5>{"time":`) || !strings.Contains(line, keyed(i).Key) {
				t.Errorf("line %d: %s", i, line)
			}
		}
		// A day without requests: no timer fires, or the bubble's clock would stop earlier.
		before := time.Now()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if time.Since(before) != 24*time.Hour || m.writes != 1 {
			t.Errorf("%d writes", m.writes)
		}
		l.Record(keyed(3))
		closeLog(t, l)
		if !strings.Contains(m.text(), keyed(3).Key) {
			t.Error("Close lost a record")
		}
		l.Record(keyed(4))
		closeLog(t, l)
	})
}

// TestStuckSink: requests wait a bounded time once, then not at all; what is dropped is
// reported, refusals have room of their own and are counted when that is full.
func TestStuckSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{accept: -1, gate: make(chan struct{})}
		var log bytes.Buffer
		l := New(ToLog(m, ""), slog.New(slog.NewTextHandler(&log, nil)))
		l.Record(keyed(0))
		time.Sleep(2 * flushDelay) // the writer is now in the sink's hands
		start := time.Now()
		const many = 20_000
		for i := range many {
			l.Record(keyed(i + 1))
		}
		if took := time.Since(start); took != patience {
			t.Errorf("requests waited %v", took)
		}
		refused := &Record{UID: 7, Key: "forbidden", Result: wire.StatusNotAuthenticated}
		l.Record(refused)
		for range many {
			l.Record(refused)
		}
		close(m.gate)
		closeLog(t, l)

		text := m.text()
		lines := strings.Count(text, "\n")
		last := text[strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1:]
		shown, shownRefused := lines-1, strings.Count(text, `"forbidden"`)
		want := fmt.Sprintf(`"records":%d,"refused":%d,"refusals":[{"uid":7,"result":"NotAuthenticated","count":%d}]}`,
			2*many+2-shown, many+1-shownRefused, many+1-shownRefused)
		if !strings.Contains(last, `"event":"dropped"`) || !strings.Contains(last, want) {
			t.Errorf("last line %s\nwant %s", last, want)
		}
		if shownRefused < reserve/300 {
			t.Errorf("only %d refusals found room", shownRefused)
		}
		if len(text) > 2*capacity {
			t.Errorf("%d bytes were kept", len(text))
		}
		if !strings.Contains(log.String(), "audit_records_dropped") {
			t.Errorf("log: %s", log.String())
		}
	})
}

// TestSlowSink: a sink that is slower than the requests loses nothing.
func TestSlowSink(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		m := &memory{accept: -1, gate: gate}
		l := New(ToLog(m, ""), discard())
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-time.After(time.Millisecond): // 32 KiB a millisecond
					select {
					case gate <- struct{}{}:
					case <-stop:
					}
				case <-stop:
					close(gate)
					return
				}
			}
		}()
		const many = 50_000
		for i := range many {
			l.Record(keyed(i))
		}
		close(stop)
		closeLog(t, l)
		if n := strings.Count(m.text(), "\n"); n != many {
			t.Errorf("%d lines of %d", n, many)
		}
	})
}

// TestFailingSink: what could not be written is written when the sink works again, on a
// new line and without gaps.
func TestFailingSink(t *testing.T) {
	t.Parallel()
	for _, accept := range []int{0, 1, 150, 5000} {
		t.Run(fmt.Sprint(accept), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{accept: accept}
				var log bytes.Buffer
				l := New(ToLog(m, "<5>"), slog.New(slog.NewTextHandler(&log, nil)))
				for i := range 100 {
					l.Record(keyed(i))
				}
				if err := l.Flush(t.Context()); !errors.Is(err, errFull) {
					t.Errorf("Flush: %v", err)
				}
				l.Record(keyed(100))
				m.set(accept)
				time.Sleep(retryDelay)
				synctest.Wait()
				m.set(-1)
				time.Sleep(retryDelay)
				synctest.Wait()
				closeLog(t, l)
				next := 0
				for line := range strings.Lines(m.text()) {
					if strings.HasPrefix(line, "<5>{") && strings.HasSuffix(line, "}\n") {
						if !strings.Contains(line, keyed(next).Key) {
							t.Fatalf("line %d is %s", next, line)
						}
						next++
					}
				}
				if next != 101 {
					t.Errorf("%d whole lines", next)
				}
				if n := strings.Count(log.String(), "audit_write_failed"); n != 1 || !strings.Contains(log.String(), "audit_write_recovered") {
					t.Errorf("log: %s", log.String())
				}
			})
		})
	}
}

func TestCloseTellsOfLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{accept: 0}
		l := New(ToLog(m, ""), discard())
		l.Record(keyed(1))
		if err := l.Close(t.Context()); err == nil || err.Error() != "audit records are lost: no space left" {
			t.Error(err)
		}
		blocked := &memory{accept: -1, gate: make(chan struct{})}
		l = New(ToLog(blocked, ""), discard())
		l.Record(keyed(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Close(ctx); err == nil || err.Error() != "audit records are lost: context deadline exceeded" {
			t.Error(err)
		}
		close(blocked.gate)
	})
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFile: mode, append after a torn line, rotation without loss.
func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte("{\"torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	open := func() *Sink {
		s, err := OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	l := New(open(), discard())
	l.Record(keyed(1))
	if err := l.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !strings.HasPrefix(got, "{\"torn\n{\"time\"") {
		t.Errorf("%q", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	l.Record(keyed(2))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	l.Switch(t.Context(), open())
	l.Record(keyed(3))
	l.Switch(t.Context(), Off())
	l.Record(keyed(4))
	l.Switch(t.Context(), open())
	l.Record(keyed(5))
	closeLog(t, l)
	old, now := read(t, path+".1"), read(t, path)
	if strings.Count(old, "\n") != 3 || strings.Count(now, "\n") != 2 || !strings.Contains(old, "k00002") ||
		!strings.Contains(now, "k00003") || !strings.Contains(now, "k00005") {
		t.Errorf("old %s\nnow %s", old, now)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "link"):    "too many levels of symbolic links",
		filepath.Join(dir, "no/file"): "no such file or directory",
		dir:                           "is a directory",
		"/dev/null":                   "it is not a regular file",
	} {
		if _, err := OpenFile(path); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestRecordDoesNotAllocate holds the promise of the hot path.
func TestRecordDoesNotAllocate(t *testing.T) {
	l := New(ToLog(io.Discard, "<5>"), discard())
	defer closeLog(t, l)
	r := sample()
	for range 1000 {
		l.Record(&r)
	}
	if n := testing.AllocsPerRun(2000, func() { l.Record(&r) }); n >= 0.1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	l := New(ToLog(io.Discard, "<5>"), discard())
	r := sample()
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			l.Record(&r)
		}
	})
	if err := l.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEncode(b *testing.B) {
	r := sample()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendRecord(buf[:0], &r)
	}
}
