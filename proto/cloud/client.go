package cloud

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Options are what a client needs to know. Only Server must be set.
type Options struct {
	Server trust.ServerAddress
	// CAs are certificates in PEM that are believed besides those of the system.
	CAs []byte
	// Proxy replaces HTTP_PROXY, HTTPS_PROXY and NO_PROXY, which are read when the client is made.
	Proxy func(*url.URL) (*url.URL, error)
	// UserAgent is what servers see and store.
	UserAgent string
	// Timeout is for one attempt at a command, with both bodies. The default is two minutes.
	Timeout time.Duration
	// Attempts is how often a command that may be repeated is tried while the server cannot be reached. The default is three, one means never again.
	Attempts int
	// Now is the clock that tokens are made with, time.Now by default.
	Now func() time.Time
}

const (
	defaultTimeout   = 2 * time.Minute
	defaultAttempts  = 3
	defaultUserAgent = "Parsec-Agent"
	dialTimeout      = 10 * time.Second
	headerTimeout    = time.Minute
	idleTimeout      = 90 * time.Second
	// maxConnections is how many connections a client has to its server besides those of listeners. Further calls wait.
	maxConnections = 32
	maxHeader      = 64 << 10
)

// ErrCAs is a list of certificates that cannot be read.
var ErrCAs = errors.New("there is no certificate in PEM")

// Client speaks to one server. All its methods may be called concurrently, and so may those of the callers made from it.
type Client struct {
	o    Options
	base string
	http *http.Client
	// streams has connections for streams of events, which are not limited: each is kept by its listener.
	streams *http.Client
	clock   clock
	// version is what the server said last, major and minor.
	version atomic.Uint64
}

// NewClient returns a client; it does not connect.
func NewClient(o Options) (*Client, error) {
	if o.Server.Host() == "" {
		return nil, fmt.Errorf("client: %w", trust.ErrURL)
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Attempts == 0 {
		o.Attempts = defaultAttempts
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Proxy == nil {
		o.Proxy = httpproxy.FromEnvironment().ProxyFunc()
	}
	roots, err := roots(o.CAs)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy:                  func(r *http.Request) (*url.URL, error) { return o.Proxy(r.URL) },
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    dialTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxConnsPerHost:        maxConnections,
		MaxIdleConnsPerHost:    maxConnections,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	unlimited := transport.Clone()
	unlimited.MaxConnsPerHost = 0
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		o: o, base: o.Server.HTTP(),
		http:    &http.Client{Transport: transport, CheckRedirect: noRedirect},
		streams: &http.Client{Transport: unlimited, CheckRedirect: noRedirect},
	}, nil
}

// roots are nil for those of the system.
func roots(pem []byte) (*x509.CertPool, error) {
	if len(pem) == 0 {
		return nil, nil //nolint:nilnil // a nil pool is how the library is told to use the system's
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, ErrCAs
	}
	return pool, nil
}

// Close closes connections that are idle. Calls at work go on.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.streams.CloseIdleConnections()
}

// ServerVersion returns the version that the server stated last, and false if it has not yet.
func (c *Client) ServerVersion() (Version, bool) {
	v := c.version.Load()
	return Version{uint32(v >> 32), uint32(v)}, v != 0 //nolint:gosec // two halves
}

// heard takes over what the headers of every answer tell.
func (c *Client) heard(h http.Header, sent, received time.Time) {
	if v, err := ParseVersion(h.Get(HeaderVersion)); err == nil {
		c.version.Store(uint64(v.Major)<<32 | uint64(v.Minor))
	}
	c.clock.measure(h.Get("Date"), sent, received)
}
