package processtest

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Recording is everything that went to a server and came from it: addresses, headers and bodies, without the frames of HTTP.
type Recording struct {
	// URL is where clients connect.
	URL string

	mu  sync.Mutex // guards the field below
	all bytes.Buffer
}

// Record starts a proxy before a server that writes down what it forwards.
func Record(t testing.TB, p *Process) *Recording {
	t.Helper()
	u, err := url.Parse(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	r, transport := &Recording{}, &http.Transport{}
	h := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(q *httputil.ProxyRequest) {
			q.SetURL(u)
			r.write([]byte(q.In.Method + " " + q.In.URL.String() + "\n"))
			r.header(q.In.Header)
		},
		ModifyResponse: func(a *http.Response) error {
			r.write([]byte(a.Status + "\n"))
			r.header(a.Header)
			a.Body = &tap{a.Body, r}
			return nil
		},
		Transport: roundTripper(func(out *http.Request) (*http.Response, error) {
			body, err := wholeBody(out)
			if err != nil {
				return nil, err
			}
			r.write(body)
			out.Body = io.NopCloser(bytes.NewReader(body))
			return transport.RoundTrip(out)
		}), ErrorLog: log.New(io.Discard, "", 0),
	})
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
		transport.CloseIdleConnections()
	})
	r.URL = h.URL
	return r
}

// Bytes is what went by.
func (r *Recording) Bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.all.Bytes())
}

func (r *Recording) write(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(b)
}

func (r *Recording) header(h http.Header) {
	b := bytes.Buffer{}
	_ = h.Write(&b) // memory takes everything
	r.write(append(b.Bytes(), '\n'))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// tap is a body of which what is read is written down too, as one piece: no frame cuts a text in two.
type tap struct {
	io.ReadCloser

	r *Recording
}

// Read reads what the body has.
func (b *tap) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.r.write(p[:n])
	return n, err
}
