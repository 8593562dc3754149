package observe_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus/prometheustest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/directory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/memory"
	"github.com/seed-73b3884f/parsec-agent/server/internal/observe"
	"github.com/seed-73b3884f/parsec-agent/server/internal/stream"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func org(t *testing.T) trust.OrganizationID {
	t.Helper()
	id, err := trust.NewOrganizationID("Coolorg")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func shown(t *testing.T, m *observe.Metrics) map[string]float64 {
	t.Helper()
	b := &strings.Builder{}
	if _, err := m.WriteTo(b); err != nil {
		t.Fatal(err)
	}
	return prometheustest.Check(t, b.String())
}

// TestRequests: what is answered is counted and logged, as whoever served it says, and nothing of it is secret.
func TestRequests(t *testing.T) {
	log := &strings.Builder{}
	o := &observe.Observer{Metrics: observe.New("1.0"), Access: slog.New(slog.NewTextHandler(log, nil))}
	device := trust.NewDeviceID()
	h := o.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := observe.NoteOf(r.Context())
		switch r.URL.Path {
		case "/authenticated/Coolorg":
			n.Family, n.Command, n.Reply, n.Organization, n.Device = "authenticated", "ping", "ok", org(t), &device
			_, _ = w.Write([]byte("pong"))
		case "/invited/Coolorg":
			n.Family, n.Command = "invited", "invite_info"
			w.WriteHeader(http.StatusGone)
		case "/authenticated/Coolorg/events":
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now()); err != nil && !errors.Is(err, http.ErrNotSupported) {
				t.Error(err)
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	for _, path := range []string{
		"/authenticated/Coolorg", "/authenticated/Coolorg", "/invited/Coolorg", "/authenticated/Coolorg/events", "/open/Coolorg?a=claim_user&p=canary", "/x\n\x1b[31m/" + strings.Repeat("y", 500), "/",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
		r.URL.Path, r.URL.RawQuery, _ = strings.Cut(path, "?")
		r.Header.Set("Authorization", "Bearer canary")
		r.Header.Set("User-Agent", "Parsec-Client/3.9.3 Linux"+strings.Repeat("z", 500))
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	samples := shown(t, o.Metrics)
	for name, want := range map[string]float64{
		`parsec_server_commands_total{family="authenticated",command="ping",status="ok"}`:        2,
		`parsec_server_commands_total{family="invited",command="invite_info",status="HTTP 410"}`: 1,
		`parsec_server_command_duration_seconds_count{family="authenticated",command="ping"}`:    2,
		`parsec_server_responses_total{route="authenticated",code="200"}`:                        2,
		`parsec_server_responses_total{route="events",code="200"}`:                               1,
		`parsec_server_responses_total{route="open",code="404"}`:                                 1,
		`parsec_server_responses_total{route="other",code="404"}`:                                1,
		`parsec_server_responses_total{route="home",code="404"}`:                                 1,
	} {
		if samples[name] != want {
			t.Errorf("%s is %v, want %v", name, samples[name], want)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 7 || strings.Contains(log.String(), "canary") || strings.Contains(log.String(), "\x1b") {
		t.Errorf("%s", log)
	}
	for _, want := range []string{"method=POST", "path=/authenticated/Coolorg", "status=200", "bytes=4", "organization=Coolorg", "command=ping", "reply=ok", "device=" + device.String()} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%q is not in %s", want, lines[0])
		}
	}
	for _, line := range lines {
		if len(line) > 600 {
			t.Errorf("a line has %d bytes", len(line))
		}
	}
}

// TestResponseThatLasts: one whose handler has returned is observed once, when it has ended.
func TestResponseThatLasts(t *testing.T) {
	log := &strings.Builder{}
	o := &observe.Observer{Metrics: observe.New("1.0"), Access: slog.New(slog.NewTextHandler(log, nil))}
	var end func(int64)
	h := o.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		l, ok := w.(stream.Lasting)
		if !ok {
			t.Fatalf("%T does not last", w)
		}
		end = l.Last()
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/authenticated/Coolorg/events", http.NoBody)
	r.Header.Set("User-Agent", "Parsec-Client/3.9.3 Linux")
	synctest.Test(t, func(*testing.T) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		if _, counted := shown(t, o.Metrics)[`parsec_server_responses_total{route="events",code="200"}`]; counted || log.Len() > 0 {
			t.Errorf("it is observed before it has ended: %s", log)
		}
		time.Sleep(time.Hour)
		end(12345)
	})
	if n := shown(t, o.Metrics)[`parsec_server_responses_total{route="events",code="200"}`]; n != 1 {
		t.Errorf("it is counted %v times", n)
	}
	if line := log.String(); strings.Count(line, "\n") != 1 ||
		!strings.Contains(line, "method=GET path=/authenticated/Coolorg/events status=200 bytes=12345 seconds=3600 ") || !strings.Contains(line, `client="Parsec-Client/3.9.3 Linux"`) {
		t.Error(line)
	}
}

// TestUnobserved: without anybody to see it a request is as it was.
func TestUnobserved(t *testing.T) {
	next := http.NewServeMux()
	if h := (&observe.Observer{}).Handler(next); h != http.Handler(next) {
		t.Error("requests are observed for nobody")
	}
	observe.NoteOf(t.Context()).Reply = "ok"
}

// TestLabels: peers cannot make the metrics grow without end.
func TestLabels(t *testing.T) {
	o := &observe.Observer{Metrics: observe.New("1.0")}
	h := o.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := observe.NoteOf(r.Context())
		n.Family, n.Command, n.Reply = "x", r.URL.Path, "ok"
	}))
	for i := range 6000 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/"+strconv.Itoa(i), http.NoBody))
	}
	b := &strings.Builder{}
	if _, err := o.Metrics.WriteTo(b); err != nil || strings.Count(b.String(), "\n") > 100_000 {
		t.Errorf("%d lines, %v", strings.Count(b.String(), "\n"), err)
	}
}

// TestFiles: what comes from a file is counted as all else.
func TestFiles(t *testing.T) {
	log, path := &strings.Builder{}, filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer((&observe.Observer{Access: slog.New(slog.NewTextHandler(log, nil))}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open(path)
		if err == nil {
			_, err = io.Copy(w, f)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			t.Error(err)
		}
	})))
	rep, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(rep.Body)
	if err := errors.Join(err, rep.Body.Close()); err != nil || len(got) != 300_000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	s.Close()
	if !strings.Contains(log.String(), "status=200 bytes=300000 ") {
		t.Error(log.String())
	}
}

// TestWhatStoresCan: a store that is measured promises what it promised, and no more. A store that may read a block after Create has returned must not be taken for
// one that does not.
func TestWhatStoresCan(t *testing.T) {
	kept, err := directory.Open(filepath.Join(t.TempDir(), "blocks"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }() // only what it can is looked at
	type appender struct {
		*memory.Store
		blocks.Appender
	}
	for name, s := range map[string]blocks.Store{"neither": memory.New(1), "memory of others": appender{Store: memory.New(1)}, "files": kept} {
		m := observe.New("1.0").Blocks(s)
		_, opens := s.(blocks.Opener)
		if _, still := m.(blocks.Opener); still != opens || blocks.Frugal(m) != blocks.Frugal(s) {
			t.Errorf("%s: opens %v, then %v; frugal %v, then %v", name, opens, still, blocks.Frugal(s), blocks.Frugal(m))
		}
	}
}

// TestBlocks: operations of a block store are counted by what became of them, and are what they were.
func TestBlocks(t *testing.T) {
	m := observe.New("1.0")
	s := m.Blocks(memory.New(1 << 20))
	ctx, id := context.Background(), trust.NewBlockID()
	if err := s.Create(ctx, org(t), id, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(ctx, org(t), id, []byte("y")); !errors.Is(err, blocks.ErrExists) {
		t.Error(err)
	}
	if b, err := s.Read(ctx, org(t), id); err != nil || string(b) != "x" {
		t.Error(string(b), err)
	}
	if b, err := blocks.Append(ctx, s, []byte("a"), org(t), id); err != nil || string(b) != "ax" {
		t.Error(string(b), err)
	}
	if err := s.Delete(ctx, org(t), id); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(ctx, org(t), id); !errors.Is(err, blocks.ErrNotFound) {
		t.Error(err)
	}
	samples := shown(t, m)
	for labels, want := range map[string]float64{
		`operation="create",outcome="ok"`: 1, `operation="create",outcome="exists"`: 1, `operation="read",outcome="ok"`: 2, `operation="read",outcome="not found"`: 1,
		`operation="delete",outcome="ok"`: 1,
	} {
		if got := samples["parsec_server_block_store_duration_seconds_count{"+labels+"}"]; got != want {
			t.Errorf("%s: %v, want %v", labels, got, want)
		}
	}
}
