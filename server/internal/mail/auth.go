package mail

import (
	"errors"
	"fmt"
	"log/slog"
	"net/smtp"
	"slices"
	"strings"
)

// Password is one that is not shown.
type Password struct{ text func() string }

// NewPassword returns a password.
func NewPassword(text string) Password { return Password{func() string { return text }} }

const redacted = "[password]"

// String hides the password, as do the others.
func (Password) String() string { return redacted }

// GoString hides the password.
func (Password) GoString() string { return redacted }

// Format hides the password.
func (Password) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue hides the password.
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses.
func (Password) MarshalJSON() ([]byte, error) { return nil, errors.New("a password is not written") }

func (p Password) reveal() string {
	if p.text == nil {
		return ""
	}
	return p.text()
}

// way is how the server says who it is: in the clear only where somebody wanted the connection so, and then without showing the password if the
// relay can do without.
func (r *Relay) way(c *smtp.Client) (smtp.Auth, error) {
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	challenge := smtp.CRAMMD5Auth(r.User, r.Password.reveal())
	switch {
	case r.Security == Plain && slices.Contains(ways, "CRAM-MD5"):
		return challenge, nil
	case slices.Contains(ways, "PLAIN"):
		return &plainWay{r}, nil
	case slices.Contains(ways, "LOGIN"):
		return &loginWay{r}, nil
	case slices.Contains(ways, "CRAM-MD5"):
		return challenge, nil
	}
	return nil, errors.New("the mail relay lets nobody say who they are: AUTH PLAIN, LOGIN or CRAM-MD5 is expected")
}

// plainWay is RFC 4616.
type plainWay struct{ r *Relay }

// Start says everything at once.
func (w *plainWay) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + w.r.User + "\x00" + w.r.Password.reveal()), nil
}

// Next is not asked for.
func (w *plainWay) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the mail relay asks for more than AUTH PLAIN has")
	}
	return nil, nil
}

// loginWay is what many relays have besides, or instead: user and password when they are asked for.
type loginWay struct{ r *Relay }

// Start names the way.
func (w *loginWay) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

// Next answers a question.
func (w *loginWay) Next(question []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	switch strings.ToLower(strings.Trim(string(question), " :\x00")) {
	case "username", "user name":
		return []byte(w.r.User), nil
	case "password":
		return []byte(w.r.Password.reveal()), nil
	}
	return nil, errors.New("the mail relay asks for something else than user and password")
}
