package command_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/internal/prometheus/prometheustest"
	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
)

// scrape asks for metrics at a Unix socket.
func scrape(t *testing.T, path string) map[string]float64 {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	defer client.CloseIdleConnections()
	a, err := client.Do(Must(http.NewRequestWithContext(t.Context(), http.MethodGet, "http://metrics/metrics", http.NoBody)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	return prometheustest.Check(t, string(Must(io.ReadAll(a.Body))))
}

// TestObserved: a server shows what it did, in numbers and lines, and no secret.
func TestObserved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "metrics.sock")
	p := start(t, "run", "--dev", "--port=0", "--spontaneous-organization-bootstrap", "--access-log", "--metrics-address=unix:"+path)
	o := Remote(t, p.URL()).Bootstrapped()
	stream := o.First.Listen("")
	realm := o.First.CreateRealm()
	OK(t, Must(o.First.Try(&cloud.BlockCreateReq{BlockID: [16]byte{1}, RealmID: realm, Block: []byte("canary-content")})))
	OK(t, Must(o.First.Try(&cloud.InviteNewDeviceReq{SendEmail: true})))
	token := o.First.Token()
	q := Must(http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/open/"+o.ID.String()+"?a=claim_user&p=canary", http.NoBody))
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	samples := scrape(t, path)
	const sent = `parsec_server_mails_total{outcome="sent"}` // which may be counted after the command was answered
	for deadline := time.Now().Add(30 * time.Second); samples[sent] == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		samples = scrape(t, path)
	}
	for name, least := range map[string]float64{
		`parsec_server_commands_total{family="anonymous",command="organization_bootstrap",status="ok"}`: 1,
		`parsec_server_command_duration_seconds_count{family="authenticated",command="realm_create"}`:   1,
		`parsec_server_block_store_duration_seconds_count{operation="create",outcome="ok"}`:             1,
		`parsec_server_responses_total{route="open",code="404"}`:                                        1,
		sent:                            1,
		"parsec_server_connections":     1,
		"parsec_server_listeners":       1,
		"parsec_server_streams_open":    1,
		"parsec_server_database_up":     1,
		"process_resident_memory_bytes": 1,
	} {
		if samples[name] < least {
			t.Errorf("%s is %v", name, samples[name])
		}
	}
	for _, name := range []string{`parsec_server_limit_refusals_total{limit="address"}`, "parsec_server_mails_waiting", "parsec_server_webhooks_waiting"} {
		if v, ok := samples[name]; !ok || v != 0 {
			t.Errorf("%s is %v, %t", name, v, ok)
		}
	}
	leaves(t, o.First, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info, err)
	}
	if status := p.Stop(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.Log())
	}
	stream.Ended()
	log := p.Log()
	for _, want := range []string{"command=realm_create reply=ok", "path=/open/", "path=/authenticated/" + o.ID.String() + "/events", "device=" + o.First.ID.String()} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log: %s", want, log)
		}
	}
	if n := strings.Count(log, "/events status=200 bytes="); n != 2 || strings.Contains(log, "/events status=200 bytes=0 ") {
		t.Errorf("%d streams of two that ended are in the log: %s", n, log)
	}
	for _, secret := range []string{"canary", token, "s3cr3t", "p="} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log: %s", secret, log)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket of metrics is left: %v", err)
	}
}

// leaves has a second listener come and go: the numbers of streams, listeners and connections follow.
func leaves(t *testing.T, d *Device, path string) {
	t.Helper()
	r := d.ListenRequest("")
	q := Must(http.NewRequestWithContext(t.Context(), r.Method, d.Org.URL+r.Path, http.NoBody))
	q.Header = r.Header
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	before := scrape(t, path)["parsec_server_connections"]
	a := Must(client.Do(q)) //nolint:bodyclose // below
	counts := func(streams, connections float64) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			now := scrape(t, path)
			if now["parsec_server_streams_open"] == streams && now["parsec_server_listeners"] == streams && now["parsec_server_connections"] == connections {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%v streams, %v listeners and %v connections are open, not %v and %v", now["parsec_server_streams_open"], now["parsec_server_listeners"], now["parsec_server_connections"],
					streams, connections)
			}
		}
	}
	counts(2, before+1)
	if err := a.Body.Close(); err != nil {
		t.Error(err)
	}
	counts(1, before)
}

// TestMetricsAddress: metrics are not served where something else is, and the socket of a server that was killed is no hindrance.
func TestMetricsAddress(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "metrics.sock")
	args := []string{"run", "--dev", "--port=0", "--metrics-address=unix:" + path}
	first := start(t, args...)
	first.Kill()
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	second := start(t, args...)
	scrape(t, path)
	_ = second
	tcp := start(t, "run", "--dev", "--port=0", "--metrics-address=tcp:127.0.0.1:0")
	if tcp.Stop() != 0 {
		t.Error(tcp.Log())
	}
	for want, args := range map[string][]string{
		"another program listens": {"--metrics-address=unix:" + path},
		"and no socket":           {"--metrics-address=unix:" + os.Args[0]},
		"unix:/PATH or tcp":       {"--metrics-address=:9123"},
	} {
		if out := fails(t, append([]string{"run", "--dev", "--port=0"}, args...)...); !strings.Contains(out, want) {
			t.Errorf("%q: %s, want %s", args, out, want)
		}
	}
}

// TestLogFile: the log goes to a file, after what is there.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := fails(t, "run", "--dev", "--port=0", "--log-file="+path, "--log-format=json", "--log-level=debug", "--email-host=h", "--email-sender=a@b.example", "--email-host-user=u", "--email-host-password=canary", "--metrics-address=:1")
	log := string(Must(os.ReadFile(path)))
	if !strings.HasPrefix(log, "before\n{") || !strings.Contains(log, "in the clear") || strings.Contains(log+out, "canary") {
		t.Errorf("%s, %s", out, fmt.Sprintf("%q", log))
	}
}

// TestDatabaseThatIsAway: a database that cannot be reached is tried as often as it was asked for, and then the server says so.
func TestDatabaseThatIsAway(t *testing.T) {
	out := fails(t, "run", "--port=0", "--data-dir="+t.TempDir(), "--db=postgresql://127.0.0.1:1/x", "--maximum-database-connection-attempts=3", "--pause-before-retry-database-connection=0.01")
	if strings.Count(out, "is tried again") != 2 || !strings.Contains(out, "the database is not available") {
		t.Error(out)
	}
}
