package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"time"

	"github.com/seed-73b3884f/parsec-agent/server/internal/outbox"
)

// Security is how a connection to the relay is protected.
type Security int

// Ways to protect it.
const (
	// Plain is not at all.
	Plain Security = iota
	// StartTLS begins in the clear and goes on over TLS, or not at all.
	StartTLS
	// ImplicitTLS is TLS from the first byte.
	ImplicitTLS
)

// dialTime is how long a connection may take.
const dialTime = 10 * time.Second

// maxSaid bounds what a relay may say in one conversation.
const maxSaid = 1 << 20

// Relay is the server that takes mails on.
type Relay struct {
	Host     string
	Port     int
	Security Security
	// Name is how the server introduces itself.
	Name string
	// User and Password are for relays that want to know who asks, none if User is empty.
	User     string
	Password Password
	// Roots vouch for the relay, those of the system if nil.
	Roots *x509.CertPool
}

// RefusedError is a recipient that the relay will not take.
type RefusedError struct{ err error }

func (e *RefusedError) Error() string { return fmt.Sprintf("the recipient is refused: %v", e.err) }
func (e *RefusedError) Unwrap() error { return e.err }

// Send gives a mail to the relay. An error that is final would come again.
func (r *Relay) Send(ctx context.Context, from, to string, content []byte) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return fmt.Errorf("the mail relay cannot be reached: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }() // what matters was acknowledged
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return err
		}
	}
	c, err := smtp.NewClient(conn, r.Host)
	if err != nil {
		return fmt.Errorf("the mail relay does not speak: %w", err)
	}
	if err := c.Hello(r.Name); err != nil {
		return fmt.Errorf("the mail relay does not greet: %w", err)
	}
	if err := r.introduce(c); err != nil {
		return err
	}
	return deliver(c, from, to, content)
}

func (r *Relay) tls() *tls.Config {
	return &tls.Config{ServerName: r.Host, RootCAs: r.Roots, MinVersion: tls.VersionTLS12}
}

func (r *Relay) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(r.Host, strconv.Itoa(r.Port)))
	if err != nil {
		return nil, err
	}
	conn = &bounded{conn, maxSaid}
	if r.Security != ImplicitTLS {
		return conn, nil
	}
	secure := tls.Client(conn, r.tls())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

// introduce goes over to TLS and says who asks, as far as it was asked for.
func (r *Relay) introduce(c *smtp.Client) error {
	if r.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the mail relay has no TLS, and without it nothing is sent")
		}
		if err := c.StartTLS(r.tls()); err != nil {
			return fmt.Errorf("no TLS with the mail relay: %w", err)
		}
	}
	if r.User == "" {
		return nil
	}
	way, err := r.way(c)
	if err != nil {
		return err
	}
	if err := c.Auth(way); err != nil {
		return fmt.Errorf("the mail relay does not let the server in: %w", err)
	}
	return nil
}

// deliver hands over one mail.
func deliver(c *smtp.Client, from, to string, content []byte) error {
	if err := c.Mail(from); err != nil {
		return said("the mail relay refuses the sender", err)
	}
	if err := c.Rcpt(to); err != nil {
		if forEver(err) {
			return outbox.Final(&RefusedError{err})
		}
		return said("the mail relay does not take the recipient now", err)
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write(content)
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		return said("the mail relay refuses the mail", err)
	}
	_ = c.Quit() // the mail was taken
	return nil
}

// said is what a relay answered, final if it would answer that again.
func said(what string, err error) error {
	e := fmt.Errorf("%s: %w", what, err)
	if forEver(err) {
		return outbox.Final(e)
	}
	return e
}

func forEver(err error) bool {
	e, ok := errors.AsType[*textproto.Error](err)
	return ok && e.Code >= 500
}

// bounded is a connection whose peer may not talk without end.
type bounded struct {
	net.Conn

	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the mail relay says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
