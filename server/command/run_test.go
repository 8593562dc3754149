package command

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// output is what a program wrote so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// served is a server that runs in the test.
type served struct {
	out     *output
	cancel  context.CancelFunc
	status  chan int
	address string
}

// start runs a server until the end of the test, or cancel.
func start(t *testing.T, dir string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{out: &output{}, cancel: cancel, status: make(chan int, 1)}
	p := &Program{Out: s.out, Err: s.out, Getenv: func(name string) string { return map[string]string{"STATE_DIRECTORY": dir, "PARSEC_PORT": "0"}[name] }}
	go func() {
		s.status <- p.Run(ctx, []string{"run"})
		close(s.status)
	}()
	t.Cleanup(func() {
		cancel()
		for range s.status { // until the end
		}
	})
	address := regexp.MustCompile(`address=(\S+)`)
	for deadline := time.Now().Add(30 * time.Second); address.FindStringSubmatch(s.out.String()) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not ready: %s", s.out)
		}
	}
	s.address = address.FindStringSubmatch(s.out.String())[1]
	return s
}

// TestRun: without options but a place and a port the server keeps everything in one directory, and takes it up again.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := filepath.Join(t.TempDir(), "state")
	for range 2 {
		s := start(t, dir)
		q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/health/ready", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultClient.Do(q)
		if err != nil || a.StatusCode != http.StatusOK {
			t.Fatal(a, err)
		}
		_ = a.Body.Close()
		s.cancel()
		if status := <-s.status; status != exitDone {
			t.Errorf("exit status %d: %s", status, s.out)
		}
		http.DefaultClient.CloseIdleConnections()
	}
	for _, name := range []string{"server.sqlite3", "server.key", "administration-token"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 && name != "server.sqlite3" {
			t.Errorf("%v, %v", info, err)
		}
	}
}

func TestUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	for text, c := range map[string]struct {
		args []string
		file string
		env  map[string]string
	}{
		"needs a command":                 {},
		`does not know "walk"`:            {args: []string{"walk"}},
		"unknown flag":                    {args: []string{"run", "--swift"}},
		"accounts are not supported":      {args: []string{"run", "--dev", "--account-config", "ENABLED_WITH_VAULT"}},
		"PARSEC_PORT":                     {args: []string{"run"}, env: map[string]string{"PARSEC_PORT": "many"}},
		`there is no option "prot"`:       {args: []string{"run", "--config", file}, file: "prot = 1"},
		"the other is expected":           {args: []string{"run", "--config", file}, file: "port = [1]"},
		"--log-level LOUD":                {args: []string{"run", "--log-level", "LOUD"}},
		"a number is expected":            {args: []string{"run", "--dev", "--organization-initial-active-users-limit", "some"}},
		"locale:url is expected":          {args: []string{"run", "--dev", "--organization-initial-tos", "en"}},
		"archiving-period -1: a period":   {args: []string{"run", "--dev", "--organization-initial-realm-deletion-min-archiving-period=-1"}},
		`does not know "more"`:            {args: []string{"run", "more"}},
		"config is given in its own file": {args: []string{"run", "--config", file}, file: `config = "x"`},
		"--sentry-dsn is not supported":   {args: []string{"run"}, env: map[string]string{"PARSEC_SENTRY_DSN": "https://sentry.example.com"}},
		"--with-client-web-app is not":    {args: []string{"run", "--config", file}, file: `with-client-web-app = ["x"]`},
		"--cryptpad-server-url is not":    {args: []string{"run", "--cryptpad-server-url", "https://x"}},
		"seconds between mails":           {args: []string{"run", "--validation-email-rate-limit=60"}},
		"two numbers are expected":        {args: []string{"run", "--validation-email-rate-limit", "sixty", "3"}},
		"neither true nor false":          {args: []string{"run", "--organization-initial-user-profile-outsider-allowed", "perhaps"}},
		"--email-sender is needed":        {args: []string{"run", "--dev", "--port=0", "--email-host", "relay.example.com"}},
		`--email-sender "x"`:              {args: []string{"run", "--dev", "--port=0", "--email-sender", "x"}},
		"exclude each other":              {args: []string{"run", "--dev", "--port=0", "--email-use-ssl", "--email-use-tls"}},
		"--email-port 0":                  {args: []string{"run", "--dev", "--port=0", "--email-host=h", "--email-sender=a@b.example", "--email-port=0"}},
		"more in it than relays take":     {args: []string{"run", "--dev", "--port=0", "--email-sender", `"a b"@c.example`}},
		"--server-addr is needed":         {args: []string{"run", "--dev", "--port=0", "--host=0.0.0.0"}},
		`--server-addr "http://x"`:        {args: []string{"run", "--dev", "--port=0", "--server-addr=http://x"}},
		`--language "de"`:                 {args: []string{"run", "--dev", "--port=0", "--language=de"}},
		`"RC4-MD5" is none`:               {args: []string{"run", "--dev", "--ssl-ciphers=ECDHE-RSA-AES128-GCM-SHA256,RC4-MD5"}},
		"--db-max-connections 1":          {args: []string{"run", "--dev", "--db-max-connections=1"}},
		"--db-min-connections 9":          {args: []string{"run", "--dev", "--db-min-connections=9"}},
		"--openbao-auth-hexagone or":      {args: []string{"run", "--dev", "--openbao-server-url=https://bao.example.com"}},
		`--rate-limit-address "fast"`:     {args: []string{"run", "--dev", "--port=0", "--rate-limit-address=fast"}},
		`--rate-limit-address "1:0"`:      {args: []string{"run", "--dev", "--port=0", "--rate-limit-address=1:0"}},
		`--rate-limit-organization "5"`:   {args: []string{"run", "--dev", "--port=0", "--rate-limit-organization", "5"}},
		`organization "5:1000001"`:        {args: []string{"run", "--dev", "--port=0", "--rate-limit-organization=5:1000001"}},
		"PARSEC_EMAIL_USE_TLS":            {args: []string{"run"}, env: map[string]string{"PARSEC_EMAIL_USE_TLS": "perhaps"}},
	} {
		if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		out := &output{}
		p := &Program{Out: out, Err: out, Getenv: func(name string) string { return c.env[name] }}
		if status := p.Run(t.Context(), c.args); status != exitUsage || !strings.Contains(out.String(), text) {
			t.Errorf("%q: exit status %d, %q, want %q", c.args, status, out, text)
		}
	}
}
