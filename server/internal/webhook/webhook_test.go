package webhook_test

import (
	"context"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/webhook"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// logged is a log that a test reads.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func client(t *testing.T, o webhook.Options, log *logged) *webhook.Client {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	c, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c.Close(ctx)
	})
	return c
}

func org(t *testing.T) trust.OrganizationID {
	t.Helper()
	id, err := trust.NewOrganizationID("Coolorg")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestVerdicts: what a service answers is what is made of it, and nothing but an answer in time counts as consent.
func TestVerdicts(t *testing.T) {
	elsewhere := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere = true }))
	defer other.Close()
	answers := map[string]func(http.ResponseWriter, *http.Request){
		"/yes": func(http.ResponseWriter, *http.Request) {},
		"/204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"/no": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"reason":"a virus"}`, http.StatusBadRequest)
		},
		"/null": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `{"reason":null}`, http.StatusBadRequest) },
		"/rude": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, `no`, http.StatusBadRequest) },
		"/long": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"reason":"`+strings.Repeat("x", 2000)+`"}`, http.StatusBadRequest)
		},
		"/endless": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat(" ", 1<<20), http.StatusBadRequest)
		},
		"/broken": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) },
		"/moved": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
		"/headers": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 100<<10)) },
		"/slow":    func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() },
	}
	var query url.Values
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/yes" {
			b, _ := io.ReadAll(r.Body)
			query, body = r.URL.Query(), string(b)
		}
		answers[r.URL.Path](w, r)
	}))
	defer s.Close()
	log := &logged{}
	c := client(t, webhook.Options{}, log)
	q := rules.Question{Organization: org(t), Parameters: url.Values{"type": {"x"}, "key": {"a b+c"}}, Body: []byte("content")}
	reason := "a virus"
	for address, want := range map[string]rules.Verdict{
		s.URL + "/yes?token=canary&type=mine":  {},
		s.URL + "/204":                         {},
		s.URL + "/no":                          {Rejected: true, Reason: &reason},
		s.URL + "/null":                        {Rejected: true},
		s.URL + "/rude":                        {Rejected: true},
		s.URL + "/long":                        {Rejected: true},
		s.URL + "/endless":                     {Rejected: true},
		s.URL + "/broken":                      {Unavailable: true},
		s.URL + "/moved":                       {Unavailable: true},
		s.URL + "/headers":                     {Unavailable: true},
		s.URL + "/slow?token=canary":           {Unavailable: true},
		"http://127.0.0.1:1/?token=canary":     {Unavailable: true},
		"http://169.254.169.254/?token=canary": {Unavailable: true},
		"http://[fe80::1%25lo]/":               {Unavailable: true},
		"http://0.0.0.0/":                      {Unavailable: true},
		"file:///etc/passwd":                   {Unavailable: true},
		"canary":                               {Unavailable: true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		got := c.Ask(ctx, address, q)
		cancel()
		if got.Rejected != want.Rejected || got.Unavailable != want.Unavailable || (got.Reason == nil) != (want.Reason == nil) || got.Reason != nil && *got.Reason != *want.Reason {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
	}
	if query.Get("token") != "canary" || len(query["type"]) != 1 || query.Get("type") != "x" || query.Get("key") != "a b+c" || body != "content" {
		t.Errorf("%v, %q", query, body)
	}
	if elsewhere {
		t.Error("a redirection was followed")
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("the log has the secret of an address: %s", log)
	}
}

// TestCrowd: of those that wait for a slow service only so many do.
func TestCrowd(t *testing.T) {
	release, n, mu := make(chan struct{}), 0, sync.Mutex{}
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		<-release
	}))
	defer s.Close()
	c := client(t, webhook.Options{}, &logged{})
	group, refused := sync.WaitGroup{}, make(chan bool, 40)
	for range 40 {
		group.Go(func() { refused <- c.Ask(t.Context(), s.URL, rules.Question{Organization: org(t)}).Unavailable })
	}
	for range 8 {
		if !<-refused {
			t.Error("a request was answered")
		}
	}
	close(release)
	group.Wait()
	if n != 32 {
		t.Errorf("%d requests were asked at once", n)
	}
}

// TestTLS: a service is believed to be itself, or not asked.
func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	defer s.Close()
	q := rules.Question{Organization: org(t)}
	if v := client(t, webhook.Options{}, &logged{}).Ask(t.Context(), s.URL, q); !v.Unavailable {
		t.Errorf("%+v", v)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if v := client(t, webhook.Options{Roots: roots}, &logged{}).Ask(t.Context(), s.URL, q); v != (rules.Verdict{}) {
		t.Errorf("%+v", v)
	}
}

// TestBootstrapped: what is told is what the original tells, and it is told before the server ends.
func TestBootstrapped(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + r.Header.Get("Content-Type") + " " + string(b)
	}))
	defer s.Close()
	c := client(t, webhook.Options{Bootstrap: s.URL}, &logged{})
	c.Bootstrapped(rules.Bootstrapped{Organization: org(t), Device: trust.DeviceID{0x12}, DeviceLabel: "laptop", Email: "alice@example.com", Label: `Alice "A"`})
	want := `POST application/json; charset=utf-8 {"organization_id":"Coolorg","device_id":"12000000000000000000000000000000","device_label":"laptop",` +
		`"human_email":"alice@example.com","human_label":"Alice \"A\""}`
	if text := <-got; text != want {
		t.Errorf("%s, want %s", text, want)
	}
	for _, address := range []string{"parsec.example.com", "ftp://parsec.example.com", "https://", "://"} {
		if _, err := webhook.New(webhook.Options{Bootstrap: address}); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
}
