package processtest

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// Balance starts a proxy that gives each request to the next of the processes, and to another where that one takes no connection. What was
// sent to a process that dies is answered 502: nobody knows what became of it. It returns the proxy's address.
func Balance(t testing.TB, processes ...*Process) string {
	t.Helper()
	b := &balancer{processes: processes, transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}}
	h := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: b, ErrorLog: log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	})
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
		b.transport.CloseIdleConnections()
	})
	return h.URL
}

type balancer struct {
	processes []*Process
	next      atomic.Uint64
	transport *http.Transport
}

// RoundTrip sends a request to the next process that takes it.
func (b *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := wholeBody(r)
	if err != nil {
		return nil, err
	}
	for range b.processes {
		p := b.processes[b.next.Add(1)%uint64(len(b.processes))]
		var u *url.URL
		if u, err = url.Parse(p.URL()); err != nil {
			return nil, err
		}
		out := r.Clone(r.Context())
		out.URL.Scheme, out.URL.Host = u.Scheme, u.Host
		out.Body = io.NopCloser(bytes.NewReader(body))
		var resp *http.Response
		if resp, err = b.transport.RoundTrip(out); err == nil {
			return resp, nil
		}
		if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
			break
		}
	}
	return nil, err
}

// wholeBody reads the body: it may be sent again, and a transport that still reads from a client while the answer goes back loses the answer's connection
// when the body is closed under it.
func wholeBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	return body, errors.Join(err, r.Body.Close())
}
