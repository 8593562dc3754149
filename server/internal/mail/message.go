package mail

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
	"time"
	"unicode"

	"github.com/seed-73b3884f/parsec-agent/server/internal/texts"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// message is a mail before it is written.
type message struct {
	from, to, subject, plain, rich string
	// reply is whom answers go to, nil for nobody but the sender.
	reply    *trust.HumanHandle
	language texts.Language
	date     time.Time
}

// write returns the mail as RFC 5322 wants it, in lines of ASCII.
func (m *message) write() ([]byte, error) {
	b := &bytes.Buffer{}
	parts := multipart.NewWriter(b)
	_, domain, _ := strings.Cut(m.from, "@")
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	for _, h := range [][2]string{
		{"From", m.from},
		{"To", m.to},
		{"Reply-To", replyTo(m.reply)},
		{"Subject", encode(m.subject)},
		{"Date", m.date.Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(id) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"Content-Language", string(m.language)},
		{"MIME-Version", "1.0"},
		{"Content-Type", "multipart/alternative; boundary=" + parts.Boundary()},
	} {
		if h[1] != "" {
			fmt.Fprintf(b, "%s: %s\r\n", h[0], h[1])
		}
	}
	b.WriteString("\r\n")
	for _, p := range [][2]string{{"text/plain", m.plain}, {"text/html", m.rich}} { // the last is what is shown by who can
		if err := part(parts, p[0], p[1]); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

func part(parts *multipart.Writer, kind, content string) error {
	w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(w)
	if _, err := q.Write([]byte(content)); err != nil {
		return err
	}
	return q.Close()
}

// replyTo writes a person as a header has it, empty for an address that holds more than an address.
func replyTo(h *trust.HumanHandle) string {
	if h == nil || !plainAddress(h.Email) {
		return ""
	}
	label := oneLine(h.Label.String())
	if strings.ContainsFunc(label, func(r rune) bool { return r >= 0x7f || r == '"' || r == '\\' }) {
		label = fold(mime.BEncoding.Encode("utf-8", label))
	} else {
		label = `"` + label + `"`
	}
	return label + " <" + h.Email.String() + ">"
}

// encode writes text as a header has it: encoded words on lines of their own.
func encode(s string) string { return fold(mime.QEncoding.Encode("utf-8", oneLine(s))) }

func fold(words string) string { return strings.ReplaceAll(words, "?= =?", "?=\r\n =?") }

// oneLine takes out what is not for reading: line ends, other controls, and what changes the direction of writing.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s))
}

// maxAddress is what RFC 5321 allows.
const maxAddress = 254

// plainAddress reports whether an address is nothing but one: no comments, no white space, nothing that a relay might read as more.
func plainAddress(a trust.EmailAddress) bool {
	s := a.String()
	return len(s) <= maxAddress && strings.Count(s, "@") == 1 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>[]:;,\"`, r)
	})
}
