package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// firstMoment is before every build of the program: a clock that is before it was never set.
var firstMoment = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock looks at the time, for clients whose clock is five minutes apart are refused.
func (x *examination) clock() {
	const area, remedy = "clock", "let it be set over the network: timedatectl set-ntp true"
	if time.Now().Before(firstMoment) {
		x.add(serious, area, "", remedy, "the clock says %s", time.Now().UTC().Format(time.RFC3339))
		return
	}
	t := unix.Timex{}
	state, err := unix.Adjtimex(&t)
	switch {
	case err != nil:
		x.add(note, area, "", "", "whether it is kept right cannot be said: %v", err)
	case state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0:
		x.add(note, area, "", remedy, "nothing keeps it right on this machine: clients whose clock is minutes apart are refused")
	default:
		x.add(fine, area, "", "", "it is kept right")
	}
}

// soon is how long before its end a certificate is to be renewed.
const soon = 14 * 24 * time.Hour

// certificate looks at the one of TLS.
func (x *examination) certificate() {
	const area = "TLS"
	if x.w.certFile == "" && x.w.tlsKeyFile == "" {
		x.add(note, area, "", "give --ssl-certfile and --ssl-keyfile, or have a proxy do it", "the server speaks without TLS")
		return
	}
	pair, err := tls.LoadX509KeyPair(x.w.certFile, x.w.tlsKeyFile)
	if err != nil {
		x.add(serious, area, x.w.certFile, "give a certificate and its key that the server's account can read", "%v", err)
		return
	}
	leaf := pair.Leaf
	left := time.Until(leaf.NotAfter)
	switch {
	case left <= 0:
		x.add(serious, area, x.w.certFile, "renew it; the server takes it up by itself", "it expired %s ago", since(-left))
	case time.Now().Before(leaf.NotBefore):
		x.add(serious, area, x.w.certFile, "set the clock, or use another one", "it is valid from %s on", leaf.NotBefore.UTC().Format(time.RFC3339))
	case left < soon:
		x.add(warning, area, x.w.certFile, "renew it; the server takes it up by itself", "it expires in %s", since(left))
	default:
		x.add(fine, area, x.w.certFile, "", "it is valid for another %s", since(left))
	}
	at, err := x.w.links()
	if err != nil || x.w.serverAddr == "" {
		return
	}
	if err := leaf.VerifyHostname(at.Host()); err != nil {
		x.add(warning, area, x.w.certFile, "have one made for "+at.Host(), "clients that use %s will not accept it: %v", at, err)
	}
	if !at.TLS() {
		x.add(warning, area, "server-addr", "leave ?no_ssl=true out", "the server speaks TLS, and its links say that it does not")
	}
}

// mail looks at whether mails can be sent.
func (x *examination) mail() {
	const area = "mail"
	switch x.w.emailHost {
	case "":
		x.add(note, area, "", "set email-host, or pass links on by hand", "none is sent: no relay is configured")
	case mocked:
		x.add(warning, area, "", "set email-host", "mails end in files of the server")
	default:
		x.add(fine, area, net.JoinHostPort(x.w.emailHost, strconv.Itoa(x.w.emailPort)), "", "a relay is configured")
	}
}

// serving asks the server itself.
func (x *examination) serving(ctx context.Context) {
	const area, limit = "server", 5 * time.Second
	if x.w.port == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	host := x.w.host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	at := net.JoinHostPort(host, strconv.Itoa(x.w.port))
	scheme := "http"
	t := &http.Transport{DisableKeepAlives: true}
	if x.w.certFile != "" {
		scheme = "https"
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // of this machine; the certificate was looked at
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+at+"/health/ready", http.NoBody)
	if err != nil {
		x.add(serious, area, at, "", "%v", err)
		return
	}
	a, err := (&http.Client{Transport: t}).Do(r)
	if err != nil {
		x.add(warning, area, at, "systemctl start parsec-server, or parsec-server run", "it does not answer: %v", reason(err))
		return
	}
	defer func() { _ = a.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, maxLine)) // what it says does not matter
	if a.StatusCode != http.StatusOK {
		x.add(serious, area, at, "see its log", "it answers with status %d", a.StatusCode)
		return
	}
	x.add(fine, area, at, "", "it serves")
}

// reason is what a failed request says without its address.
func reason(err error) error {
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return fmt.Errorf("it took too long")
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err
}
