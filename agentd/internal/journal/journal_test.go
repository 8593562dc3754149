package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/config"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func open(format config.LogFormat) (*Log, *bytes.Buffer) {
	var b bytes.Buffer
	return New(Options{Writer: &b, Format: format}), &b
}

type redacted struct{}

func (redacted) LogValue() slog.Value { return slog.StringValue("(redacted)") }

func TestLines(t *testing.T) {
	t.Parallel()
	write := func(l *slog.Logger) {
		l = l.With("provider", "soft").WithGroup("g").With("n", 1)
		l.Error("failed", "error", fmt.Errorf("open x: %w", os.ErrNotExist), "empty", "")
		l.Warn("odd", "text", "a b\n<3>forged \x1b[31m\u202e", slog.Group("h", "ok", true))
		l.Info("ready", "took", 1500*time.Millisecond, "secret", redacted{}, "at", time.Unix(0, 0))
		l.Debug("hidden")
	}
	l, b := open(config.LogJournal)
	write(l.Logger())
	want := `<3>failed provider=soft g.n=1 g.error="open x: file does not exist" g.empty=""
<4>odd provider=soft g.n=1 g.text="a b\n<3>forged \x1b[31m\u202e" g.h.ok=true
<6>ready provider=soft g.n=1 g.took=1.5s g.secret=(redacted) g.at=1970-01-01T00:00:00Z
`
	if got := b.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	l, b = open(config.LogText)
	write(l.Logger())
	want = strings.NewReplacer("<3>failed", "[ERROR parsec] failed", "<4>", "[WARN  parsec] ", "<6>", "[INFO  parsec] ").Replace(want)
	if got := b.String(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := New(Options{Writer: &b, Format: config.LogText, Timestamp: true})
	r := slog.NewRecord(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.FixedZone("", 3600)), slog.LevelInfo, "x", 0)
	if err := l.Logger().Handler().Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != "[2026-01-02T02:04:05.006Z INFO  parsec] x\n" {
		t.Error(got)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	l, b := open(config.LogJournal)
	log := l.Logger()
	all := func() {
		for _, level := range []slog.Level{slog.LevelError, slog.LevelWarn, slog.LevelInfo, slog.LevelDebug, LevelTrace} {
			log.Log(t.Context(), level, "m")
		}
	}
	for level, want := range map[config.Level]string{
		config.LevelOff: "", config.LevelError: "<3>", config.LevelWarn: "<3><4>", config.LevelInfo: "<3><4><6>", "": "<3><4><6>",
		config.LevelDebug: "<3><4><6><7>", config.LevelTrace: "<3><4><6><7><7>",
	} {
		b.Reset()
		l.SetLevel(level)
		all()
		if got := strings.ReplaceAll(b.String(), "m\n", ""); got != want {
			t.Errorf("%s: %s, want %s", level, got, want)
		}
	}
}

func TestEffectiveLevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set, want config.Level
		env       string
	}{
		{"", config.LevelInfo, ""},
		{"", config.LevelDebug, "DEBUG"},
		{"", config.LevelInfo, "parsec=debug"},
		{config.LevelError, config.LevelError, "debug"},
	} {
		if got := EffectiveLevel(c.set, func(string) string { return c.env }); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// TestNames: without details no line tells whose key it is about, and yet what went wrong.
func TestNames(t *testing.T) {
	t.Parallel()
	for _, format := range []config.LogFormat{config.LogText, config.LogJournal, config.LogJSON} {
		l, b := open(format)
		cause := &wire.Error{Status: wire.StatusDoesNotExist, Object: `key "web/tls"`, Reason: "token is gone"}
		write := func() string {
			b.Reset()
			l.Logger().Error("request_failed", "key", "web/tls", "application", "alice", "error", fmt.Errorf("sign with %s: %w", cause.Object, cause))
			return b.String()
		}
		line := write()
		if strings.Contains(line, "web/tls") || strings.Contains(line, "alice") || !strings.Contains(line, "sign with (object): (object): token is gone") {
			t.Errorf("%s: %s", format, line)
		}
		l.SetDetails(true)
		if line = write(); strings.Count(line, "web/tls") != 3 || !strings.Contains(line, "alice") {
			t.Errorf("%s: %s", format, line)
		}
	}
}

// TestJSON runs the suite of the standard library on the JSON form.
func TestJSON(t *testing.T) {
	t.Parallel()
	l, b := open(config.LogJSON)
	l.SetDetails(true)
	err := slogtest.TestHandler(l.Logger().Handler(), func() []map[string]any {
		var all []map[string]any
		for line := range bytes.Lines(b.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			all = append(all, nest(m))
		}
		return all
	})
	if err != nil {
		t.Error(err)
	}
}

// nest turns dotted keys into the groups that they stand for.
func nest(flat map[string]any) map[string]any {
	m := map[string]any{}
	for key, v := range flat {
		at := m
		parts := strings.Split(key, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = v
	}
	return m
}

func TestLongValue(t *testing.T) {
	t.Parallel()
	l, b := open(config.LogText)
	l.Logger().Error("m", "stack", strings.Repeat("x", 100_000), "error", errors.New(strings.Repeat("é", 100_000)))
	if b.Len() > 5*maxValue || strings.Count(b.String(), "\n") != 1 || !strings.Contains(b.String(), "... [100000 bytes]") {
		t.Errorf("%d bytes", b.Len())
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	right := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	for stream, want := range map[string]config.LogFormat{
		right: config.LogJournal, "": config.LogText, right + "1": config.LogText, "x": config.LogText,
	} {
		if got := Detect(f, func(string) string { return stream }); got != want {
			t.Errorf("%q: %s", stream, got)
		}
	}
	if got := Detect(nil, func(string) string { return right }); got != config.LogText {
		t.Error(got)
	}
}

func TestAuditPrefix(t *testing.T) {
	t.Parallel()
	for format, want := range map[config.LogFormat]string{config.LogJournal: "<5>", config.LogText: "[AUDIT parsec] ", config.LogJSON: ""} {
		if l, _ := open(format); l.AuditPrefix() != want {
			t.Error(format, l.AuditPrefix())
		}
	}
}

func BenchmarkInfo(b *testing.B) {
	l := New(Options{Writer: discard{}, Format: config.LogJournal})
	log := l.Logger()
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request_failed", slog.String("operation", "PsaSignHash"), slog.Int("n", 3))
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
