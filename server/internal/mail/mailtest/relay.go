// Package mailtest is a mail relay for tests, which speaks SMTP with TLS and passwords, and fails in the ways that relays do.
package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options say how a relay is.
type Options struct {
	// Implicit is TLS from the first byte, StartTLS offers it later.
	Implicit, StartTLS bool
	// Auth are the ways to say who asks that it offers, User and Password whom it lets in.
	Auth, User, Password string
	// Answers replace what it says to a verb: "RCPT": "550 no such person". Silent verbs are not answered.
	Answers map[string]string
	Silent  string
}

// Mail is one that was taken.
type Mail struct {
	From, To string
	Content  []byte
	// TLS says whether it came over TLS, User who gave it, Hello how they introduced themselves.
	TLS         bool
	User, Hello string
}

// Relay is a relay that runs until the test ends.
type Relay struct {
	Host string
	Port int
	// Roots vouch for it, also as PEM.
	Roots *x509.CertPool
	PEM   []byte

	o    Options
	tls  *tls.Config
	stop chan struct{}

	mu       sync.Mutex // guards the fields below
	answers  map[string]string
	mails    []Mail
	sessions int
}

// Start starts a relay.
func Start(t testing.TB, o Options) *Relay {
	t.Helper()
	r := &Relay{o: o, answers: o.Answers, stop: make(chan struct{})}
	r.certify(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal(l.Addr())
	}
	r.Host, r.Port = "127.0.0.1", address.Port
	if o.Implicit {
		l = tls.NewListener(l, r.tls)
	}
	work := sync.WaitGroup{}
	work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			work.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		close(r.stop)
		_ = l.Close()
		work.Wait()
	})
	return r
}

// Answer changes what is said to a verb, to what the relay is for if it is empty.
func (r *Relay) Answer(verb, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answers := map[string]string{}
	maps.Copy(answers, r.answers)
	if answers[verb] = text; text == "" {
		delete(answers, verb)
	}
	r.answers = answers
}

// Mails returns what was taken so far.
func (r *Relay) Mails() []Mail {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Mail{}, r.mails...)
}

// Sessions returns how many connections there were.
func (r *Relay) Sessions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sessions
}

// Await returns the mails once there are so many.
func (r *Relay) Await(t testing.TB, n int) []Mail {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if all := r.Mails(); len(all) >= n {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d mails came instead of %d", len(r.Mails()), n)
		}
	}
}

func (r *Relay) certify(t testing.TB) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	r.tls = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	r.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	r.Roots = x509.NewCertPool()
	r.Roots.AppendCertsFromPEM(r.PEM)
}

// session is one connection.
type session struct {
	*Relay

	conn net.Conn
	text *textproto.Conn
	mail Mail
}

func (r *Relay) serve(c net.Conn) {
	s := &session{Relay: r, conn: c, text: textproto.NewConn(c)}
	_, secure := c.(*tls.Conn)
	s.mail.TLS = secure
	r.mu.Lock()
	r.sessions++
	r.mu.Unlock()
	defer func() { _ = s.conn.Close() }()
	if !s.say("CONNECT", "220 relay.test ESMTP") {
		return
	}
	for {
		line, err := s.text.ReadLine()
		if err != nil {
			return
		}
		verb, argument, _ := strings.Cut(line, " ")
		if verb = strings.ToUpper(verb); verb == "QUIT" {
			s.say(verb, "221 bye")
			return
		}
		if !s.do(verb, argument) {
			return
		}
	}
}

// say answers a verb, unless the relay is told to say something else, or nothing.
func (s *session) say(verb, text string) bool {
	if s.o.Silent == verb {
		<-s.stop
		return false
	}
	s.mu.Lock()
	if other := s.answers[verb]; other != "" {
		text = other
	}
	s.mu.Unlock()
	return s.text.PrintfLine("%s", text) == nil && !strings.HasPrefix(text, "421")
}

func (s *session) refuses(verb string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[verb] != ""
}

func (s *session) do(verb, argument string) bool {
	switch verb {
	case "EHLO":
		s.mail.Hello = argument
		return s.say(verb, s.extensions())
	case "STARTTLS":
		if !s.say(verb, "220 go ahead") || s.refuses(verb) {
			return false
		}
		s.conn = tls.Server(s.conn, s.tls)
		s.text, s.mail.TLS = textproto.NewConn(s.conn), true
		return true
	case "AUTH":
		return s.auth(argument)
	case "MAIL":
		s.mail.From = between(argument)
		return s.say(verb, "250 ok")
	case "RCPT":
		s.mail.To = between(argument)
		return s.say(verb, "250 ok")
	case "DATA":
		return s.data()
	}
	return s.say(verb, "502 what?")
}

func (s *session) extensions() string {
	lines := []string{"relay.test"}
	if s.o.StartTLS && !s.mail.TLS {
		lines = append(lines, "STARTTLS")
	}
	if s.o.Auth != "" {
		lines = append(lines, "AUTH "+s.o.Auth)
	}
	lines = append(lines, "8BITMIME")
	return "250-" + strings.Join(lines[:len(lines)-1], "\r\n250-") + "\r\n250 " + lines[len(lines)-1]
}

func (s *session) auth(argument string) bool {
	way, first, _ := strings.Cut(argument, " ")
	user, password := "", ""
	switch way {
	case "PLAIN":
		b, _ := base64.StdEncoding.DecodeString(first)
		if parts := strings.Split(string(b), "\x00"); len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		user, password = s.ask("Username:"), s.ask("Password:")
	}
	if user != s.o.User || password != s.o.Password {
		return s.say("AUTH", "535 who are you?")
	}
	s.mail.User = user
	return s.say("AUTH", "235 welcome")
}

func (s *session) ask(question string) string {
	_ = s.text.PrintfLine("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
	line, _ := s.text.ReadLine()
	b, _ := base64.StdEncoding.DecodeString(line)
	return string(b)
}

func (s *session) data() bool {
	if !s.say("DATA", "354 go on") {
		return false
	}
	if s.refuses("DATA") {
		return true
	}
	content, err := s.text.ReadDotBytes()
	if err != nil {
		return false
	}
	s.mail.Content = content
	if !s.refuses("END") {
		s.mu.Lock()
		s.mails = append(s.mails, s.mail)
		s.mu.Unlock()
	}
	return s.say("END", fmt.Sprintf("250 taken %d bytes", len(content)))
}

// between returns the address of FROM:<address>.
func between(argument string) string {
	_, rest, _ := strings.Cut(argument, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}
