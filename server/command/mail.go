package command

import (
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/seed-73b3884f/parsec-agent/server/internal/mail"
	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// mockedSender is from whom mails are that end in files.
const mockedSender = "no-reply@parsec.com"

// post is what sends mails, nil where none are.
func (o *runOptions) post(address *trust.ServerAddress, all *texts.Texts, log *slog.Logger) (*mail.Post, error) {
	language := texts.Language(o.language)
	if language != texts.English && language != texts.French {
		return nil, usagef("--language %q: en or fr is expected", o.language)
	}
	if o.emailUseSSL && o.emailUseTLS {
		return nil, usagef("--email-use-ssl and --email-use-tls exclude each other: TLS from the beginning, or STARTTLS")
	}
	if o.emailHost == "" {
		return nil, nil
	}
	if o.emailSender == "" && o.emailHost == mocked {
		o.emailSender = mockedSender
	}
	from, err := trust.NewEmailAddress(o.emailSender)
	switch {
	case o.emailSender == "":
		return nil, usagef("--email-sender is needed with --email-host")
	case err != nil:
		return nil, usagef("--email-sender %q: %w", o.emailSender, err)
	case address == nil:
		return nil, usagef("--server-addr is needed with --email-host: mails have links in them")
	}
	sender, err := o.sender(address, log)
	if err != nil {
		return nil, err
	}
	p, err := mail.New(mail.Options{Sender: sender, From: from, Server: *address, Texts: all, Language: language, Log: log})
	if err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

// sender is a relay, or a folder.
func (o *runOptions) sender(address *trust.ServerAddress, log *slog.Logger) (mail.Sender, error) {
	if o.emailHost == mocked {
		return mail.NewFolder(filepath.Join(o.dataDir, "mails"), log)
	}
	if o.emailPort < 1 || o.emailPort > 65535 {
		return nil, usagef("--email-port %d: a port is expected", o.emailPort)
	}
	r := &mail.Relay{
		Host: o.emailHost, Port: o.emailPort, Name: helloName(address.Host()), User: o.emailUser, Password: mail.NewPassword(o.emailPassword),
	}
	switch {
	case o.emailUseSSL:
		r.Security = mail.ImplicitTLS
	case o.emailUseTLS:
		r.Security = mail.StartTLS
	case o.emailUser != "":
		log.Warn("mails and the password for them go to the relay in the clear: --email-use-tls or --email-use-ssl protects them", "email_host", o.emailHost)
	}
	if o.emailUser == "" || o.emailPassword == "" { // as the original, which needs both
		r.User = ""
	}
	return r, nil
}

// helloName is how the server introduces itself: a name, or a number in brackets.
func helloName(host string) string {
	if strings.HasPrefix(host, "[") {
		return "[IPv6:" + strings.Trim(host, "[]") + "]"
	}
	if strings.Trim(host, "0123456789.") == "" {
		return "[" + host + "]"
	}
	return host
}
