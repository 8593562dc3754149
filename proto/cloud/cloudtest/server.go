package cloudtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// AdministrationToken is the token of the server's administration.
const AdministrationToken = "s3cr3t"

// readyWithin is how long a server may take to answer.
const readyWithin = 2 * time.Minute

// Server starts the reference's own server, in memory, for as long as the test runs. It needs Python 3.12: without it the test is skipped, or fails in CI.
// Organisations are made by whoever asks.
func Server(t testing.TB) trust.ServerAddress {
	t.Helper()
	return ServerOn(t, "MOCKED")
}

// ServerOn is Server on a database of PostgreSQL, postgresql://…, in which it makes its tables.
func ServerOn(t testing.TB, database string) trust.ServerAddress {
	t.Helper()
	peers := filepath.Join(root(t), "interop", "peers")
	if out, err := Python(t, "-c", "import parsec._parsec"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no reference server: %s", out)
		}
		t.Skipf("no reference server (it needs Python 3.12, Debian package python3.12-venv or pyenv): %s", out)
	}
	problem := ""
	for range 3 { // somebody else may take the port
		port := freePort(t)
		if problem = start(t, peers, port, database); problem == "" {
			server, err := trust.ParseServerURL(fmt.Sprintf("http://127.0.0.1:%d", port))
			if err != nil {
				t.Fatal(err)
			}
			return server
		}
	}
	t.Fatalf("the reference server does not start: %s", problem)
	return trust.ServerAddress{}
}

// Python runs the Python that the reference's server has, and returns what it says.
func Python(t testing.TB, args ...string) ([]byte, error) {
	t.Helper()
	peers := filepath.Join(root(t), "interop", "peers")
	return exec.CommandContext(t.Context(), peers, append([]string{"cloud-python"}, args...)...).CombinedOutput()
}

// root is where go.mod is.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatalf("no go.mod above the test: %v", err)
	return ""
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// output keeps the end of what a program says.
type output struct {
	mu sync.Mutex
	b  []byte
}

func (o *output) Write(b []byte) (int, error) {
	const most = 16 << 10
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, b...)
	o.b = bytes.Clone(o.b[max(0, len(o.b)-most):])
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

// start returns what is wrong, or nothing.
func start(t testing.TB, peers string, port int, database string) string {
	t.Helper()
	said := &output{}
	cmd := exec.Command(peers, "cloud", strconv.Itoa(port), database)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // what it said tells why
	}()
	stop := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone
		<-ended
	}
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	for !answers(ctx, port) {
		select {
		case <-ended:
			return said.String()
		case <-ctx.Done():
			stop()
			return "no answer: " + said.String()
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the last words of the reference server:\n%s", said)
		}
	})
	return ""
}

func answers(ctx context.Context, port int) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/", port), http.NoBody)
	if err != nil {
		return false
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
