package spiffe

import (
	"context"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-73b3884f/parsec-agent/agentd/authn/spiffe/workloadtest"
)

func TestCheckEndpoint(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"unix:///run/spire/sockets/agent.sock": true,
		"unix:/run/spire/sockets/agent.sock":   true,
		"tcp://127.0.0.1:8000":                 true,
		"tcp://[::1]:8000":                     true,
		"":                                     false,
		"/run/spire/sockets/agent.sock":        false,
		"unix://run/spire/agent.sock":          false,
		"unix:run/agent.sock":                  false,
		"unix://":                              false,
		"unix:///a?b=c":                        false,
		"unix:///a#b":                          false,
		"tcp://127.0.0.1":                      false,
		"tcp://localhost:8000":                 false,
		"tcp://192.0.2.1:8000":                 false,
		"tcp://0.0.0.0:8000":                   false,
		"tcp://127.0.0.1:8000/path":            false,
		"http://127.0.0.1:8000":                false,
		"dns:///example.org":                   false,
		"unix:///\x00":                         false,
	} {
		if err := checkEndpoint(endpoint); (err == nil) != ok {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

func TestStartFails(t *testing.T) {
	path := socket(t)
	_, err := New(t.Context(), Options{Endpoint: "unix://" + path, StartWait: 100 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "within 100ms") {
		t.Errorf("without a socket: %v", err)
	}
	// The environment is no substitute for the configuration.
	t.Setenv("SPIFFE_ENDPOINT_SOCKET", "unix://"+path)
	if _, err := New(t.Context(), Options{}); err == nil {
		t.Error("without an endpoint")
	}
}

// A socket that accepts and never says a word.
func TestStartFailsOnSilence(t *testing.T) {
	path := socket(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	begin := time.Now()
	if _, err := New(t.Context(), Options{Endpoint: "unix://" + path, StartWait: 200 * time.Millisecond}); err == nil {
		t.Error("started")
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("gave up after %v", d)
	}
}

func TestStartFailsOnAnotherService(t *testing.T) {
	path := socket(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := g.Serve(l); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer g.Stop()
	_, err = New(t.Context(), Options{Endpoint: "unix://" + path})
	if err == nil || !strings.Contains(err.Error(), "not a SPIFFE Workload API") {
		t.Errorf("got %v", err)
	}
}

// A Workload API that accepts anything must not make everybody anybody.
func TestStartFailsOnCredulousEndpoint(t *testing.T) {
	server := workloadtest.Serve(t, socket(t), workloadtest.NewAuthority(t, "example.org"))
	yes := func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
		return &workload.ValidateJWTSVIDResponse{}, nil
	}
	server.Fault.Store(&yes)
	if _, err := New(t.Context(), Options{Endpoint: server.Endpoint()}); err == nil || !strings.Contains(err.Error(), "accepts what is no token") {
		t.Errorf("got %v", err)
	}
}

// An agent that is not registered with the SPIFFE provider starts, as the original does.
func TestStartsUnregistered(t *testing.T) {
	server := workloadtest.Serve(t, socket(t), workloadtest.NewAuthority(t, "example.org"))
	no := func(context.Context, string) (*workload.ValidateJWTSVIDResponse, error) {
		return nil, status.Error(codes.PermissionDenied, "no identity issued")
	}
	server.Fault.Store(&no)
	a, err := New(t.Context(), Options{Endpoint: server.Endpoint()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// The endpoint may come up after the agent.
func TestStartWaits(t *testing.T) {
	server := workloadtest.Serve(t, socket(t), workloadtest.NewAuthority(t, "example.org"))
	server.Stop()
	type result struct {
		a   *Authenticator
		err error
	}
	results := make(chan result)
	go func() {
		a, err := New(t.Context(), Options{Endpoint: server.Endpoint()})
		results <- result{a, err}
	}()
	select {
	case r := <-results:
		t.Fatalf("it did not wait: %v", r.err)
	case <-time.After(100 * time.Millisecond):
	}
	server.Start(t)
	r := <-results
	if r.err != nil {
		t.Fatal(r.err)
	}
	if err := r.a.Close(); err != nil {
		t.Error(err)
	}
}

func TestStartCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Options{Endpoint: "unix://" + socket(t)}); err == nil {
		t.Error("started")
	}
	if _, err := os.Stat(socket(t)); err == nil {
		t.Error("a socket was made")
	}
}
