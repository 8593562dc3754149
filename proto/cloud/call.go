package cloud

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Exchange is a request with the type of its replies.
type Exchange[R Reply] interface {
	Request
	DecodeReply(body []byte) (R, error)
}

// Errors of calls, besides those of statuses.
var (
	// ErrCaller is a command that belongs to another family.
	ErrCaller = errors.New("the command is not for this kind of credentials")
	// ErrCertificate is a TLS certificate that is not believed, or that belongs to somebody else.
	ErrCertificate = errors.New("the server has no TLS certificate that is believed")
	// ErrReply is a reply that is not what the protocol says.
	ErrReply = errors.New("the server's reply cannot be read")
)

// Do sends a command and returns what the server says, which may be any status of the command: only what keeps the command from being executed, or its reply from being read,
// is an error. It ends with the context; when it ends without a reply the command may have been executed all the same, unless the error is
// an [*HTTPError] with a status below 500.
//
// A command that could not be sent at all, or that does no harm when it is executed twice, is tried again while the server cannot be reached (see [Options]).
func Do[R Reply](ctx context.Context, c *Caller, req Exchange[R]) (R, error) {
	none := *new(R)
	family := c.family(req)
	if family == 0 {
		return none, fmt.Errorf("%s: %w", req.Command(), ErrCaller)
	}
	body, err := EncodeRequest(req)
	if err != nil {
		return none, err
	}
	if len(body) > MaxRequest {
		clear(body)
		return none, fmt.Errorf("%s: %w: %d bytes", req.Command(), ErrTooLarge, len(body))
	}
	sent := newSentBody(body)
	defer sent.finish()
	reply, err := c.client.persist(ctx, req.Command(), func(ctx context.Context) ([]byte, bool, error) {
		return c.post(ctx, family, sent)
	})
	if err != nil {
		return none, fmt.Errorf("%s: %w", req.Command(), err)
	}
	rep, err := req.DecodeReply(reply)
	if err != nil {
		return none, fmt.Errorf("%s: %w: %w", req.Command(), ErrReply, err)
	}
	return rep, nil
}

// Exists asks whether the organisation of a caller of family Anonymous exists, which only an [ErrOrganizationNotFound] denies.
func (c *Caller) Exists(ctx context.Context) error {
	if !c.is(Anonymous) {
		return ErrCaller
	}
	_, err := c.client.persist(ctx, probe, func(ctx context.Context) ([]byte, bool, error) {
		return c.attempt(ctx, http.MethodGet, Anonymous.path(c.organization), nil)
	})
	return err
}

// post makes one attempt; sent reports whether the server may have got anything of it.
func (c *Caller) post(ctx context.Context, f Family, body *sentBody) (reply []byte, sent bool, err error) {
	return c.attempt(ctx, http.MethodPost, f.path(c.organization), body)
}

func (c *Caller) attempt(ctx context.Context, method, path string, body *sentBody) (reply []byte, sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.client.o.Timeout)
	defer cancel()
	written := &atomic.Bool{} // by a goroutine of the transport's
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	reply, err = c.exchange(ctx, method, path, body)
	return reply, written.Load(), err
}

func (c *Caller) exchange(ctx context.Context, method, path string, body *sentBody) ([]byte, error) {
	req, err := c.request(ctx, method, path)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", ContentMsgpack)
	if body != nil {
		body.attach(req)
	}
	resp, err := c.client.roundTrip(c.client.http, req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if kind := resp.Header.Get("Content-Type"); kind != ContentMsgpack {
		return nil, fmt.Errorf("%w: content of type %.64q", ErrReply, kind)
	}
	reply, err := readAll(resp.Body, resp.ContentLength, MaxReply, nil)
	switch {
	case errors.Is(err, errLimit):
		return nil, fmt.Errorf("%w: %w", ErrReply, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrOffline, err)
	}
	return reply, nil
}

// request makes what all requests have.
func (c *Caller) request(ctx context.Context, method, path string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.client.base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set(HeaderVersion, Current.String())
	req.Header.Set("User-Agent", c.client.o.UserAgent)
	authorization, err := c.authorize(c.client.o.Now())
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		req.Header.Set(headerAuthorization, authorization)
	}
	return req, nil
}

// roundTrip returns an answer with StatusOK, whose body the caller closes.
func (c *Client) roundTrip(by *http.Client, req *http.Request) (*http.Response, error) {
	sent := c.o.Now()
	resp, err := by.Do(req)
	if err != nil {
		return nil, networkError(err)
	}
	c.heard(resp.Header, sent, c.o.Now())
	if HTTPStatus(resp.StatusCode) == StatusOK {
		return resp, nil
	}
	const short = 64 << 10
	_, _ = io.CopyN(io.Discard, resp.Body, short) // so that the connection can be used again
	_ = resp.Body.Close()
	return nil, c.refusal(resp)
}

// refusal says what a status means.
func (c *Client) refusal(resp *http.Response) error {
	e := &HTTPError{Status: HTTPStatus(resp.StatusCode)}
	switch e.Status {
	case StatusUnsupportedAPI:
		e.Supported = parseVersions(resp.Header.Get(HeaderSupportedVersions))
	case StatusTokenExpired:
		if offset, ok := c.ClockOffset(); ok {
			return fmt.Errorf("%w: the server's is ahead by %v", e, offset.Offset.Round(time.Second))
		}
	default:
	}
	return e
}

// networkError says why there was no answer, without the address, which the caller knows.
func networkError(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	var untrusted *tls.CertificateVerificationError
	if errors.As(err, &untrusted) || errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return fmt.Errorf("%w: %w", ErrOffline, err)
}

// attach gives a request its body, as often as the transport wants it.
func (s *sentBody) attach(req *http.Request) {
	req.ContentLength = int64(len(s.b))
	req.Body = s.open()
	req.GetBody = func() (io.ReadCloser, error) { return s.open(), nil }
}

// sentBody is the body of a request, wiped when nobody reads it any longer: the transport may do so after it has returned.
type sentBody struct {
	b     []byte
	users users
}

func newSentBody(b []byte) *sentBody {
	s := &sentBody{b: b}
	s.users.last = func() { clear(s.b) }
	s.users.add()
	return s
}

func (s *sentBody) finish() { s.users.done() }

type bodyReader struct {
	*bytes.Reader
	close func()
}

func (r *bodyReader) Close() error {
	r.close()
	return nil
}

func (s *sentBody) open() io.ReadCloser {
	if !s.users.add() {
		return http.NoBody
	}
	return &bodyReader{bytes.NewReader(s.b), once(s.users.done)}
}
