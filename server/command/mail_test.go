package command_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/internal/mail/mailtest"
	. "github.com/seed-73b3884f/parsec-agent/server/servertest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// TestMails: a server with a relay sends invitations, in the language and with the links that it was told.
func TestMails(t *testing.T) {
	relay := mailtest.Start(t, mailtest.Options{StartTLS: true, Auth: "LOGIN", User: "parsec", Password: "canary"})
	dir := t.TempDir()
	roots, config := filepath.Join(dir, "roots.pem"), filepath.Join(dir, "config.toml")
	for path, content := range map[string]string{
		roots: string(relay.PEM), config: "email-host-user = \"parsec\"\nemail-use-tls = true\nemail-sender = \"parsec@example.com\"\nlanguage = \"fr\"\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SSL_CERT_FILE", roots)
	t.Setenv("PARSEC_EMAIL_HOST_PASSWORD", "canary")
	t.Setenv("RELAY_PORT", fmt.Sprint(relay.Port))
	t.Setenv("PARSEC_CMD_ARGS", "--email-port=${RELAY_PORT} --server-addr parsec3://parsec.example.com:6777")
	p := start(t, "run", "--port=0", "--config="+config, "--data-dir="+dir, "--email-host="+relay.Host, "--spontaneous-organization-bootstrap")
	o := Remote(t, p.URL()).Bootstrapped()
	req := &cloud.InviteNewUserReq{ClaimerEmail: Must(trust.NewEmailAddress("zoe@example.com")), SendEmail: true}
	rep := Decode[cloud.InviteNewUserOK](t, Must(o.First.Try(req)), req.DecodeReply)
	if rep.EmailSent != cloud.EmailSentSuccess {
		t.Fatal(rep.EmailSent)
	}
	m := relay.Await(t, 1)[0]
	text := strings.NewReplacer("=\n", "", "=3D", "=").Replace(strings.ReplaceAll(string(m.Content), "\r\n", "\n"))
	if m.From != "parsec@example.com" || m.To != "zoe@example.com" || !m.TLS || m.User != "parsec" || !strings.Contains(text, "Content-Language: fr") ||
		!strings.Contains(text, "https://parsec.example.com:6777/redirect/"+o.ID.String()+"?a=claim_user&p=") {
		t.Errorf("%+v\n%s", m, text)
	}
	relay.Answer("RCPT", "550 gone")
	if rep := Decode[cloud.InviteNewUserOK](t, Must(o.First.Try(req)), req.DecodeReply); rep.EmailSent != cloud.EmailSentRecipientRefused {
		t.Error(rep.EmailSent)
	}
}

// TestDevelop: with --dev mails end in files, pages of all origins may ask, and the pages for people are there.
func TestDevelop(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := start(t, "run", "--dev", "--port=0", "--spontaneous-organization-bootstrap", "--validation-email-rate-limit", "60", "3")
	o := Remote(t, p.URL()).Bootstrapped()
	req := &cloud.InviteNewDeviceReq{SendEmail: true}
	if rep := Decode[cloud.InviteNewDeviceOK](t, Must(o.First.Try(req)), req.DecodeReply); rep.EmailSent != cloud.EmailSentSuccess {
		t.Fatal(rep.EmailSent)
	}
	names, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "parsec-server-*", "mails", "*.eml"))
	if err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	q := Must(http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/", http.NoBody))
	q.Header.Set("Origin", "https://web.example.com")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("status %d, %v", a.StatusCode, a.Header)
	}
}
