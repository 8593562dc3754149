package sessiontest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
)

// Proxy stands between clients and a server, and does what a hostile one could: it sees every command and answers it as a test likes.
type Proxy struct {
	// URL is where it answers.
	URL string

	mu     sync.Mutex // guards the fields below
	target string
	meddle func(w http.ResponseWriter, r *Request) bool
	frame  func(frame string) []string
	// streams end the streams that are open.
	streams map[*http.Request]context.CancelFunc
}

// Request is a request on its way.
type Request struct {
	*http.Request
	// Command names the command, Decoded is what it says; both are empty for the stream of events, and for what cannot be read.
	Command string
	Decoded cloud.Request
	// Stream says that events are asked for.
	Stream bool

	proxy *Proxy
	body  []byte
}

// Answer is what a server said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewProxy returns one in front of a server, which passes everything on until it is told otherwise.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	p := &Proxy{target: target, streams: map[*http.Request]context.CancelFunc{}}
	h := httptest.NewServer(p)
	p.URL = h.URL
	t.Cleanup(func() {
		p.Hang()
		h.Close()
	})
	return p
}

// Point puts another server behind the proxy, and ends all streams.
func (p *Proxy) Point(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.Hang()
}

// Meddle has f see every request; it answers, or returns false to have the request passed on. Nil ends that.
func (p *Proxy) Meddle(f func(w http.ResponseWriter, r *Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meddle = f
}

// Frames has f see every frame of streams, with its empty line; what it returns is sent instead. Nil ends that.
func (p *Proxy) Frames(f func(frame string) []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frame = f
}

// Refuse answers everything with a status of HTTP, and ends all streams. StatusOK ends that.
func (p *Proxy) Refuse(status cloud.HTTPStatus) {
	if status == cloud.StatusOK {
		p.Meddle(nil)
		return
	}
	p.Meddle(func(w http.ResponseWriter, _ *Request) bool {
		cloud.Refuse(w, status)
		return true
	})
	p.Hang()
}

// Certificates changes what certificate_get answers: f gets what is asked and what the server says, and changes the latter.
func (p *Proxy) Certificates(f func(req *cloud.CertificateGetReq, rep *cloud.CertificateGetOK)) {
	p.Meddle(func(w http.ResponseWriter, r *Request) bool {
		req, ok := r.Decoded.(*cloud.CertificateGetReq)
		if !ok {
			return false
		}
		if rep, ok := r.Forward().Reply(r.Decoded).(*cloud.CertificateGetOK); ok {
			f(req, rep)
			Reply(w, rep)
			return true
		}
		return false
	})
}

// Hang ends all streams of events.
func (p *Proxy) Hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cancel := range p.streams {
		cancel()
	}
}

// ServeHTTP passes on, or does not.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, cloud.MaxRequest+1))
	if err != nil {
		return // the client is gone
	}
	q := &Request{Request: r, proxy: p, body: body, Stream: strings.HasSuffix(r.URL.Path, "/events")}
	if req, err := cloud.DecodeRequest(familyOf(r.URL.Path), body); err == nil && !q.Stream {
		q.Decoded, q.Command = req, req.Command()
	}
	p.mu.Lock()
	meddle := p.meddle
	p.mu.Unlock()
	if meddle != nil && meddle(w, q) {
		return
	}
	if q.Stream {
		p.stream(w, q) //nolint:contextcheck // it is in the request
		return
	}
	q.Forward().Write(w) //nolint:contextcheck // it is in the request
}

// familyOf is the family of a path.
func familyOf(path string) cloud.Family {
	if strings.HasSuffix(path, "/tos") {
		return cloud.TOS
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, f := range []cloud.Family{cloud.Anonymous, cloud.AnonymousServer, cloud.Invited, cloud.Authenticated, cloud.Account} {
		if f.String() == first {
			return f
		}
	}
	return 0
}

func (r *Request) send(ctx context.Context) (*http.Response, error) {
	r.proxy.mu.Lock()
	target := r.proxy.target
	r.proxy.mu.Unlock()
	q, err := http.NewRequestWithContext(ctx, r.Method, target+r.URL.RequestURI(), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	q.Header = r.Header.Clone()
	return http.DefaultTransport.RoundTrip(q)
}

// Forward asks the server and reads all of its answer.
func (r *Request) Forward() *Answer {
	resp, err := r.send(r.Context())
	if err != nil {
		return &Answer{Status: http.StatusBadGateway}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return &Answer{Status: http.StatusBadGateway}
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

// Write answers with it.
func (a *Answer) Write(w http.ResponseWriter) {
	for name, values := range a.Header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may be gone
}

// Reply decodes the answer to a command, nil if it is none.
func (a *Answer) Reply(to cloud.Request) cloud.Reply {
	if a.Status != http.StatusOK {
		return nil
	}
	if req, ok := to.(*cloud.CertificateGetReq); ok {
		if rep, err := req.DecodeReply(a.Body); err == nil {
			return rep
		}
	}
	return nil
}

// Reply answers with a reply.
func Reply(w http.ResponseWriter, rep cloud.Reply) {
	b, err := cloud.EncodeReply(rep)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	Bytes(w, b)
}

// Bytes answers with a body that claims to be a reply.
func Bytes(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", cloud.ContentMsgpack)
	w.Header().Set(cloud.HeaderVersion, cloud.Current.String())
	_, _ = w.Write(body)
}

// stream passes events on, frame by frame.
func (p *Proxy) stream(w http.ResponseWriter, r *Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	p.mu.Lock()
	p.streams[r.Request] = cancel
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.streams, r.Request)
	}()
	resp, err := r.send(ctx)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	p.pass(w, resp.Body)
	if ctx.Err() != nil && r.Context().Err() == nil {
		panic(http.ErrAbortHandler) // the connection ends as that of a server that is gone does
	}
}

func (p *Proxy) pass(w http.ResponseWriter, from io.Reader) {
	flush := http.NewResponseController(w)
	_ = flush.Flush() // the client may be gone
	lines, frame := bufio.NewReader(from), strings.Builder{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		frame.WriteString(line)
		if line != "\n" {
			continue
		}
		p.mu.Lock()
		change := p.frame
		p.mu.Unlock()
		out := []string{frame.String()}
		if change != nil {
			out = change(frame.String())
		}
		frame.Reset()
		for _, f := range out {
			_, err = io.WriteString(w, f)
		}
		if errors.Join(err, flush.Flush()) != nil {
			return
		}
	}
}
