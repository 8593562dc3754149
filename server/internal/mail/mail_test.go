package mail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	own "github.com/seed-73b3884f/parsec-agent/server/internal/mail"
	"github.com/seed-73b3884f/parsec-agent/server/internal/mail/mailtest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/rules"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	org    = must(trust.NewOrganizationID("Coolorg"))
	server = must(trust.ParseServerAddress("parsec3://parsec.example.com"))
	zoe    = must(trust.NewEmailAddress("zoe@example.com"))
	eve    = must(trust.NewHumanHandle("eve@example.com", "Ève Ångström"))
)

// post starts a post that hands mails to a sender.
func post(t *testing.T, s own.Sender, l texts.Language) *own.Post {
	t.Helper()
	p := must(own.New(own.Options{
		Sender: s, From: must(trust.NewEmailAddress("parsec@example.com")), Server: server, Texts: must(texts.Load("")), Language: l,
		Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Close(ctx)
	})
	return p
}

func relayOf(r *mailtest.Relay, s own.Security) *own.Relay {
	return &own.Relay{
		Host: r.Host, Port: r.Port, Security: s, Roots: r.Roots, Name: "parsec.example.com", User: "parsec", Password: own.NewPassword("canary"),
	}
}

func invite(t *testing.T, p *own.Post) cloud.EmailSentStatus {
	t.Helper()
	return p.SendInvitation(t.Context(), rules.InvitationMail{
		Organization: org, Type: cloud.InvitationForUser, To: zoe, Token: trust.GenerateAccessToken(), Greeter: &eve,
	})
}

// TestWays: mails arrive in all the ways that a relay is spoken to.
func TestWays(t *testing.T) {
	for name, c := range map[string]struct {
		o mailtest.Options
		s own.Security
	}{
		"implicit TLS, PLAIN":    {mailtest.Options{Implicit: true, Auth: "PLAIN LOGIN"}, own.ImplicitTLS},
		"STARTTLS, LOGIN":        {mailtest.Options{StartTLS: true, Auth: "LOGIN"}, own.StartTLS},
		"in the clear, PLAIN":    {mailtest.Options{Auth: "PLAIN"}, own.Plain},
		"in the clear, STARTTLS": {mailtest.Options{StartTLS: true, Auth: "PLAIN"}, own.Plain},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.User, c.o.Password = "parsec", "canary"
			r := mailtest.Start(t, c.o)
			if s := invite(t, post(t, relayOf(r, c.s), texts.English)); s != cloud.EmailSentSuccess {
				t.Fatal(s)
			}
			m := r.Await(t, 1)[0]
			if m.From != "parsec@example.com" || m.To != "zoe@example.com" || m.TLS != (c.s != own.Plain) || m.User != "parsec" || m.Hello != "parsec.example.com" {
				t.Errorf("%+v", m)
			}
			read(t, m.Content)
		})
	}
}

// read takes a mail apart as a program for mails does.
func read(t *testing.T, content []byte) (h mail.Header, plain, rich string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n") {
		if len(line) > 200 || strings.ContainsFunc(line, func(r rune) bool { return r >= 0x7f || r < ' ' && r != '\t' }) {
			t.Errorf("the line %q is not for mails", line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(string(content)))
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts, bodies := multipart.NewReader(m.Body, parameters["boundary"]), []string{}
	for {
		p, err := parts.NextPart() // decodes quoted-printable
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, string(must(io.ReadAll(p))))
	}
	if len(bodies) != 2 {
		t.Fatalf("%d parts", len(bodies))
	}
	return m.Header, bodies[0], bodies[1]
}

// TestContent: each mail says what it is for, with the link that existing applications open, and no secret but that.
func TestContent(t *testing.T) {
	r := mailtest.Start(t, mailtest.Options{Auth: "PLAIN", User: "parsec", Password: "canary"})
	token := trust.GenerateAccessToken()
	user := trust.NewUserID()
	for _, l := range texts.Languages {
		p := post(t, relayOf(r, own.Plain), l)
		for _, i := range []struct {
			kind    cloud.InvitationType
			action  trust.InvitationType
			greeter *trust.HumanHandle
		}{{cloud.InvitationForUser, trust.InviteUser, &eve}, {cloud.InvitationForDevice, trust.InviteDevice, nil}, {cloud.InvitationForShamirRecovery, trust.InviteShamirRecovery, &eve}} {
			before := len(r.Mails())
			s := p.SendInvitation(t.Context(), rules.InvitationMail{Organization: org, Type: i.kind, To: zoe, Token: token, Greeter: i.greeter})
			if s != cloud.EmailSentSuccess {
				t.Fatal(s)
			}
			h, plain, rich := read(t, r.Await(t, before+1)[before].Content)
			a := opens[*trust.InvitationAddress](t, plain, rich)
			if !a.Token.Equal(token) || a.Type != i.action || a.Organization != org || a.Server != server {
				t.Errorf("%+v", a)
			}
			subject := must((&mime.WordDecoder{}).DecodeHeader(h.Get("Subject")))
			if !strings.HasPrefix(subject, "[Parsec] ") || !strings.Contains(subject, "Coolorg") || h.Get("Content-Language") != string(l) {
				t.Errorf("%q", subject)
			}
			reply, err := h.AddressList("Reply-To")
			if i.greeter == nil {
				if !errors.Is(err, mail.ErrHeaderNotPresent) {
					t.Errorf("%v", reply)
				}
				continue
			}
			if !strings.Contains(subject, "Ève Ångström") || err != nil || len(reply) != 1 || reply[0].Address != "eve@example.com" || strings.TrimSpace(reply[0].Name) != "Ève Ångström" {
				t.Errorf("%q, %v, %v", subject, reply, err)
			}
		}
		before := len(r.Mails())
		if s := p.SendTOTPReset(t.Context(), rules.TOTPResetMail{Organization: org, To: zoe, User: user, Token: token}); s != cloud.EmailSentSuccess {
			t.Fatal(s)
		}
		if s := p.SendEnrollmentAccepted(t.Context(), rules.EnrollmentMail{Organization: org, To: zoe}); s != cloud.EmailSentSuccess {
			t.Fatal(s)
		}
		all := r.Await(t, before+2)[before:]
		_, plain, rich := read(t, all[0].Content)
		if a := opens[*trust.TOTPResetAddress](t, plain, rich); !a.Token.Equal(token) || a.User != user {
			t.Errorf("%+v", a)
		}
		if _, plain, _ := read(t, all[1].Content); !strings.Contains(plain, "Coolorg") || strings.Contains(plain, "http") {
			t.Error(plain)
		}
	}
}

// opens reads the link of a mail as an application does.
func opens[A trust.Action](t *testing.T, plain, rich string) A {
	t.Helper()
	_, rest, _ := strings.Cut(plain, "https://parsec.example.com/redirect/")
	link, _, _ := strings.Cut("https://parsec.example.com/redirect/"+rest, "\n")
	action, err := trust.ParseAction(strings.TrimSpace(link))
	if err != nil {
		t.Fatalf("%v: %s", err, plain)
	}
	if !strings.Contains(rich, strings.ReplaceAll(strings.TrimSpace(link), "&", "&amp;")) {
		t.Errorf("the page has another link: %s", rich)
	}
	a, ok := action.(A)
	if !ok {
		t.Fatalf("%T", action)
	}
	return a
}

// TestOutcomes: what a relay answers is what whoever asked is told, and what may go better later is tried again.
func TestOutcomes(t *testing.T) {
	for name, c := range map[string]struct {
		o    mailtest.Options
		s    own.Security
		want cloud.EmailSentStatus
	}{
		"unknown recipient":  {mailtest.Options{Answers: map[string]string{"RCPT": "550 no such person"}}, own.Plain, cloud.EmailSentRecipientRefused},
		"greylisted":         {mailtest.Options{Answers: map[string]string{"RCPT": "450 come back"}}, own.Plain, cloud.EmailSentServerUnavailable},
		"refused sender":     {mailtest.Options{Answers: map[string]string{"MAIL": "553 not you"}}, own.Plain, cloud.EmailSentServerUnavailable},
		"refused mail":       {mailtest.Options{Answers: map[string]string{"END": "554 spam"}}, own.Plain, cloud.EmailSentServerUnavailable},
		"busy":               {mailtest.Options{Answers: map[string]string{"CONNECT": "421 busy"}}, own.Plain, cloud.EmailSentServerUnavailable},
		"no STARTTLS":        {mailtest.Options{}, own.StartTLS, cloud.EmailSentServerUnavailable},
		"refused STARTTLS":   {mailtest.Options{StartTLS: true, Answers: map[string]string{"STARTTLS": "454 no"}}, own.StartTLS, cloud.EmailSentServerUnavailable},
		"TLS where none is":  {mailtest.Options{}, own.ImplicitTLS, cloud.EmailSentServerUnavailable},
		"endless":            {mailtest.Options{Answers: map[string]string{"EHLO": strings.Repeat("250-"+strings.Repeat("x", 500)+"\r\n", 4000)}}, own.Plain, cloud.EmailSentServerUnavailable},
		"forbidden password": {mailtest.Options{Auth: "PLAIN", Password: "other"}, own.Plain, cloud.EmailSentServerUnavailable},
		"no way in":          {mailtest.Options{Auth: "GSSAPI"}, own.Plain, cloud.EmailSentServerUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			if c.o.Auth == "" {
				c.o.Auth, c.o.Password = "PLAIN", "canary"
			}
			c.o.User = "parsec"
			r := mailtest.Start(t, c.o)
			p := post(t, relayOf(r, c.s), texts.English)
			if s := invite(t, p); s != c.want || len(r.Mails()) != 0 {
				t.Errorf("%s, want %s; %d mails", s, c.want, len(r.Mails()))
			}
		})
	}
	t.Run("unknown authority", func(t *testing.T) {
		r := mailtest.Start(t, mailtest.Options{StartTLS: true, Auth: "PLAIN"})
		relay := relayOf(r, own.StartTLS)
		relay.Roots = nil
		if s := invite(t, post(t, relay, texts.English)); s != cloud.EmailSentServerUnavailable || len(r.Mails()) != 0 {
			t.Error(s)
		}
	})
	t.Run("gone", func(t *testing.T) {
		relay := &own.Relay{Host: "127.0.0.1", Port: 1}
		if s := invite(t, post(t, relay, texts.English)); s != cloud.EmailSentServerUnavailable {
			t.Error(s)
		}
	})
}

// TestSilence: a relay that says nothing is not waited for longer than the attempt may take.
func TestSilence(t *testing.T) {
	for _, verb := range []string{"CONNECT", "EHLO", "STARTTLS", "AUTH", "RCPT", "END"} {
		r := mailtest.Start(t, mailtest.Options{StartTLS: true, Auth: "PLAIN", User: "parsec", Password: "canary", Silent: verb})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if err := relayOf(r, own.StartTLS).Send(ctx, "a@example.com", "b@example.com", []byte("x\r\n")); err == nil {
			t.Errorf("silence after %s is success", verb)
		}
		cancel()
	}
}

// slow is a sender that takes its time.
type slow struct{ sent chan string }

func (s slow) Send(ctx context.Context, _, to string, _ []byte) error {
	select {
	case <-time.After(20 * time.Second):
		s.sent <- to
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failing is one that works from the third time on.
type failing struct{ tried *int }

func (f failing) Send(context.Context, string, string, []byte) error {
	if *f.tried++; *f.tried < 3 {
		return errors.New("not now")
	}
	return nil
}

// TestWaits: nobody waits longer than ten seconds, and the mail goes out nevertheless; what failed is tried again.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slow{make(chan string, 1)}
		p := post(t, s, texts.English)
		start := time.Now()
		if got := invite(t, p); got != cloud.EmailSentServerUnavailable || time.Since(start) != 10*time.Second {
			t.Errorf("%s after %s", got, time.Since(start))
		}
		if p.Waiting() != 1 || <-s.sent != "zoe@example.com" {
			t.Error("the mail is forgotten")
		}
		tried := 0
		f := post(t, failing{&tried}, texts.English)
		if got := invite(t, f); got != cloud.EmailSentServerUnavailable {
			t.Error(got)
		}
		time.Sleep(time.Hour) // of the bubble
		synctest.Wait()
		if tried != 3 || f.Waiting() != 0 {
			t.Errorf("%d attempts, %d wait", tried, f.Waiting())
		}
	})
}

// TestFlood: an address is not written to without end.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 10
		p := post(t, failing{&n}, texts.English)
		sent := 0
		for range 50 {
			if invite(t, p) == cloud.EmailSentSuccess {
				sent++
			}
		}
		if sent != 10 {
			t.Errorf("%d mails at once", sent)
		}
	})
}

// TestInjection: nothing that people chose becomes a header, a command or a line of its own.
func TestInjection(t *testing.T) {
	r := mailtest.Start(t, mailtest.Options{Auth: "PLAIN", User: "parsec", Password: "canary"})
	p := post(t, relayOf(r, own.Plain), texts.English)
	sent := 0
	for _, label := range []string{"Eve\r\nBcc: mallory@example.com", "Eve\nX-Header: 1\n\nbody", "Eve\x00\x1b[31m", "Eve\u202etxt", strings.Repeat("é", 127)} {
		h, err := trust.NewHumanHandle("eve@example.com", label)
		if err != nil {
			continue
		}
		if s := p.SendInvitation(t.Context(), rules.InvitationMail{Organization: org, Type: cloud.InvitationForUser, To: zoe, Token: trust.GenerateAccessToken(), Greeter: &h}); s != cloud.EmailSentSuccess {
			t.Fatal(s)
		}
		sent++
		header, plain, _ := read(t, r.Await(t, sent)[sent-1].Content)
		for name := range header {
			if name == "Bcc" || name == "X-Header" {
				t.Errorf("%q becomes a header", label)
			}
		}
		if strings.ContainsAny(plain, "\x00\x1b\u202e") || strings.Contains(plain, "\nBcc") || strings.Contains(plain, "\nX-Header") {
			t.Errorf("%q stands in the text: %q", label, plain)
		}
	}
	if sent == 0 {
		t.Error("no label was tried")
	}
	for _, address := range []string{
		"a@example.com (\r\nRCPT TO:<mallory@example.com>)", "\"a b\"@example.com", "\"<mallory@example.com>\"@example.com", "a @example.com", "a@[127.0.0.1]",
		strings.Repeat("a", 300) + "@example.com",
	} {
		to, err := trust.NewEmailAddress(address)
		if err != nil {
			continue
		}
		if s := p.SendInvitation(t.Context(), rules.InvitationMail{Organization: org, Type: cloud.InvitationForUser, To: to, Token: trust.GenerateAccessToken()}); s != cloud.EmailSentRecipientRefused {
			t.Errorf("%q: %s", address, s)
		}
	}
	if n := len(r.Mails()); n != sent {
		t.Errorf("%d mails were sent to addresses that are none", n-sent)
	}
	if _, err := own.New(own.Options{From: must(trust.NewEmailAddress("\"a b\"@example.com"))}); err == nil {
		t.Error("a sender that is more than an address is taken")
	}
}

// TestFolder: mails end in files that nobody else may read, the newest of them.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "mails")
	f := must(own.NewFolder(dir, slog.New(slog.DiscardHandler)))
	if s := invite(t, post(t, f, texts.English)); s != cloud.EmailSentSuccess {
		t.Fatal(s)
	}
	names := must(os.ReadDir(dir))
	info := must(names[0].Info())
	if len(names) != 1 || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", names, info.Mode())
	}
	read(t, must(os.ReadFile(filepath.Join(dir, names[0].Name()))))
	for range 110 {
		if err := f.Send(t.Context(), "", "", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if names := must(os.ReadDir(dir)); len(names) != 100 {
		t.Errorf("%d files are kept", len(names))
	}
}

// TestPassword: the password is not shown, however it is written.
func TestPassword(t *testing.T) {
	p := own.NewPassword("canary")
	r := own.Relay{Host: "h", Password: p}
	log := &strings.Builder{}
	slog.New(slog.NewTextHandler(log, nil)).Info("x", "p", p, "r", r)
	slog.New(slog.NewJSONHandler(log, nil)).Info("x", "p", p, "r", r)
	if text := fmt.Sprintf("%v %+v %#v %s %x %v %+v %#v", p, p, p, p, p, r, &r, r) + log.String(); strings.Contains(text, "canary") {
		t.Error(text)
	}
}
