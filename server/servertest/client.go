package servertest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
	"github.com/seed-73b3884f/parsec-agent/trust/mpack"
)

// Answer is what a server said.
type Answer struct {
	// Status is the one of HTTP.
	Status cloud.HTTPStatus
	Header http.Header
	Body   []byte
	// Reply is the name of the reply's status, where HTTP's is OK.
	Reply string
}

// Request is a request before it is sent: tests may spoil it.
type Request struct {
	Method, Path string
	Header       http.Header
	Body         []byte

	family string // of Prepare
}

// Prepare makes the request that a client of the protocol sends; the authorisation is the test's.
func (o *Organization) Prepare(f cloud.Family, req cloud.Request, authorization string) *Request {
	path := "/" + f.String() + "/" + url.PathEscape(o.ID.String())
	switch f {
	case cloud.AnonymousServer, cloud.Account:
		path = "/" + f.String()
	case cloud.TOS:
		path = "/" + cloud.Authenticated.String() + "/" + url.PathEscape(o.ID.String()) + "/tos"
	case cloud.Anonymous, cloud.Invited, cloud.Authenticated:
	}
	h := http.Header{cloud.HeaderVersion: {cloud.Current.String()}, "Content-Type": {cloud.ContentMsgpack}}
	if authorization != "" {
		h.Set("Authorization", authorization)
	}
	return &Request{Method: http.MethodPost, Path: path, Header: h, Body: Must(cloud.EncodeRequest(req)), family: f.String()}
}

// Send sends a request and reads all of the answer.
func (s *Server) Send(r *Request) *Answer {
	s.t.Helper()
	a, err := s.try(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Try sends a command as the device to a server that may be gone.
func (d *Device) Try(req cloud.Request) (*Answer, error) {
	return d.Org.try(d.Org.Prepare(cloud.Authenticated, req, d.Token()))
}

func (s *Server) try(r *Request) (*Answer, error) {
	ctx := context.WithoutCancel(s.t.Context())
	q, err := http.NewRequestWithContext(ctx, r.Method, s.URL+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	q.Header = r.Header
	p, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.Body.Close() }()
	body, err := io.ReadAll(p.Body)
	if err != nil {
		return nil, err
	}
	a := &Answer{Status: cloud.HTTPStatus(p.StatusCode), Header: p.Header, Body: body}
	if a.Status == cloud.StatusOK && p.Header.Get("Content-Type") == cloud.ContentMsgpack {
		a.Reply = statusOf(body)
	}
	s.see(r, a)
	return a, nil
}

// statusOf reads what all replies have.
func statusOf(body []byte) string { return mpack.NewReader(body).Discriminant("status") }

// Token is what the device authorises requests with now.
func (d *Device) Token() string {
	return Must(cloud.NewDeviceToken(d.ID, d.Org.Clock.Now(), d.Signing))
}

// Do sends a command as the device.
func (d *Device) Do(req cloud.Request) *Answer {
	d.Org.t.Helper()
	return d.Org.Send(d.Org.Prepare(cloud.Authenticated, req, d.Token()))
}

// Anonymous sends a command as nobody.
func (o *Organization) Anonymous(req cloud.Request) *Answer {
	o.t.Helper()
	return o.Send(o.Prepare(cloud.Anonymous, req, ""))
}

// Invited sends a command as whoever has the token of an invitation.
func (o *Organization) Invited(token trust.AccessToken, req cloud.Request) *Answer {
	o.t.Helper()
	return o.Send(o.Prepare(cloud.Invited, req, Must(cloud.NewInvitationToken(token))))
}

// Decode reads the answer as the reply of one type that it must be.
func Decode[R any, C interface {
	*R
	cloud.Reply
}, Rep cloud.Reply](t testing.TB, a *Answer, decode func([]byte) (Rep, error)) C {
	t.Helper()
	if a.Status != cloud.StatusOK {
		t.Fatalf("HTTP status %d: %s", a.Status, a.Body)
	}
	rep, err := decode(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := any(rep).(C)
	if !ok {
		t.Fatalf("the reply is %s, a %T", rep.Status(), rep)
	}
	return own
}

// OK wants the answer to be ok.
func OK(t testing.TB, a *Answer) { t.Helper(); Want(t, a, "ok") }

// Want wants a reply of the status.
func Want(t testing.TB, a *Answer, status string) {
	t.Helper()
	if a.Status != cloud.StatusOK || a.Reply != status {
		t.Fatalf("the answer is %q (HTTP status %d: %.200q), want %q", a.Reply, a.Status, a.Body, status)
	}
}

// WantHTTP wants a status of HTTP.
func WantHTTP(t testing.TB, a *Answer, status cloud.HTTPStatus) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("HTTP status %d (reply %q: %.200q), want %d", a.Status, a.Reply, a.Body, status)
	}
}

// RealmsOf is what certificate_get asks without conditions.
func RealmsOf() *cloud.CertificateGetReq {
	return &cloud.CertificateGetReq{RealmAfter: map[trust.RealmID]trust.DateTime{}}
}

// Eventually waits until something is so.
func Eventually(t testing.TB, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not become so")
		}
	}
}
