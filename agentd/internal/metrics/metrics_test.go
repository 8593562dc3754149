package metrics

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus"
	"github.com/seed-73b3884f/parsec-agent/internal/prometheus/prometheustest"
	"github.com/seed-73b3884f/parsec-agent/proto/agent"
	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func filled() *Metrics {
	m := New("1.2.3", func() Gauges {
		return Gauges{Connections: 3, Refused: 4, Providers: []Provider{{"so\"ft\n\\", "MbedCrypto", true, "ready"}, {"tpm", "Tpm", false, "absent"}}}
	})
	m.Observe(wire.OpPing, 0, 10*time.Microsecond)
	m.Observe(wire.OpPing, 0, 11*time.Microsecond)
	m.Observe(wire.OpPing, wire.StatusNotAuthenticated, time.Hour)
	m.Observe(agent.OpInfo, wire.StatusDataInvalid, time.Millisecond)
	m.Observe(29, 17, 0)
	m.Observe(70, 999, 0)
	m.Observe(0xFFFFFFFF, 0xFFFF, 0)
	return m
}

func expose(t *testing.T, m *Metrics) string {
	t.Helper()
	var b strings.Builder
	if _, err := m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSamples(t *testing.T) {
	t.Parallel()
	text := expose(t, filled())
	for _, want := range []string{
		`parsec_build_info{version="1.2.3",go_version="`,
		`parsec_requests_total{operation="Ping",status="Success"} 2`,
		`parsec_requests_total{operation="Ping",status="NotAuthenticated"} 1`,
		`parsec_requests_total{operation="AgentInfo",status="PsaErrorDataInvalid"} 1`,
		`parsec_requests_total{operation="unknown",status="InvalidHeader"} 1`,
		`parsec_requests_total{operation="unknown",status="unknown"} 2`,
		`parsec_request_duration_seconds_bucket{operation="Ping",le="1e-05"} 1`,
		`parsec_request_duration_seconds_bucket{operation="Ping",le="2.5e-05"} 2`,
		`parsec_request_duration_seconds_bucket{operation="Ping",le="5"} 2`,
		`parsec_request_duration_seconds_bucket{operation="Ping",le="+Inf"} 3`,
		`parsec_request_duration_seconds_sum{operation="Ping"} 3600.000021`,
		`parsec_request_duration_seconds_count{operation="unknown"} 3`,
		`parsec_connections 3`,
		`parsec_limit_refusals_total 4`,
		`parsec_provider_up{provider="so\"ft\n\\",kind="MbedCrypto"} 1`,
		`parsec_provider_up{provider="tpm",kind="Tpm"} 0`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in\n%s", want, text)
		}
	}
}

// TestFormat holds the text against the rules of the format.
func TestFormat(t *testing.T) {
	t.Parallel()
	prometheustest.Check(t, expose(t, filled()))
}

// TestLabelsAreNames: every operation and status of the protocol has a label of its own.
func TestLabelsAreNames(t *testing.T) {
	t.Parallel()
	for op := range wire.Opcode(100) {
		if want := agent.Name(op); !strings.HasPrefix(want, "opcode ") && opName(rowOf(op)) != want {
			t.Errorf("%d: %s", op, opName(rowOf(op)))
		}
	}
	for _, op := range agent.Opcodes() {
		if opName(rowOf(op)) != agent.Name(op) {
			t.Errorf("%d: %s", op, opName(rowOf(op)))
		}
	}
	for s := range wire.Status(2000) {
		if s.Known() && statusName(columnOf(s)) != s.String() {
			t.Errorf("%d: %s", s, statusName(columnOf(s)))
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.sock")
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- filled().Serve(ctx, ln) }()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	for target, status := range map[string]int{"/metrics": http.StatusOK, "/": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://agent"+target, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := (&http.Client{Transport: transport}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Errorf("%s: %d, %v", target, res.StatusCode, err)
		}
		if status == http.StatusOK && (res.Header.Get("Content-Type") != prometheus.ContentType || !strings.Contains(string(body), "parsec_connections 3")) {
			t.Errorf("%v %s", res.Header, body)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestObserveDoesNotAllocate(t *testing.T) {
	m := filled()
	if n := testing.AllocsPerRun(100, func() { m.Observe(wire.OpSignHash, 0, time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	m := filled()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Observe(wire.OpSignHash, 0, 30*time.Microsecond)
		}
	})
}
