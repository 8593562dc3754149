package client

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// Client calls one key service. Dial makes it.
type Client struct {
	*shared
	provider *wire.ProviderID // of operations with keys; nil: the first listed
	instance string           // extension provider_name; empty: none
}

// shared is what all views of a client have in common.
type shared struct {
	opts     Options
	endpoint Endpoint
	pool     *pool
	uid      uint32

	kept  atomic.Int32 // persistence: what the service grants
	auth  atomic.Pointer[identity]
	first atomic.Pointer[wire.ProviderID] // the first listed, once asked for
}

// What is known of a service's persistent connections.
const (
	keptUnknown int32 = iota
	keptGranted
	keptRefused
)

// Dial finds the service, and learns how to authenticate to it. The Client must be
// closed.
func Dial(ctx context.Context, opts Options) (*Client, error) {
	ends, err := Endpoints(opts.Endpoint, environment)
	if err != nil {
		return nil, err
	}
	opts = opts.withDefaults()
	var last error
	for i, end := range ends {
		c := newClient(opts, end)
		_, err := c.authenticators(ctx)
		if err == nil {
			return c.named(ctx)
		}
		c.pool.close()
		if !absent(err) {
			return nil, err
		}
		if last == nil || i == len(ends)-1 && !errors.Is(err, fs.ErrNotExist) {
			last = err
		}
	}
	lost, _ := errors.AsType[*ConnectionError](last)
	return nil, &ConnectionError{Endpoints: ends, Err: lost.Err}
}

// absent reports whether an error means that nobody listens on a socket.
func absent(err error) bool {
	lost, ok := errors.AsType[*ConnectionError](err)
	return ok && !lost.Sent && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR))
}

func newClient(opts Options, end Endpoint) *Client {
	s := &shared{opts: opts, endpoint: end, uid: uint32(os.Getuid())} //nolint:gosec // a uid has 32 bits
	if opts.OneShot {
		s.kept.Store(keptRefused)
	}
	if opts.Anonymous {
		s.auth.Store(&identity{})
	}
	s.pool = newPool(s.connect, opts.MaxConnections, opts.MaxIdle)
	return &Client{shared: s, provider: opts.Provider}
}

// named checks Options.Instance once the service is known.
func (c *Client) named(ctx context.Context) (*Client, error) {
	if c.opts.Instance == "" {
		return c, nil
	}
	view, err := c.WithInstance(ctx, c.opts.Instance)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return view, nil
}

func (s *shared) connect(ctx context.Context) (*conn, error) {
	if s.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.opts.Timeout)
		defer cancel()
	}
	c, err := connect(ctx, s.endpoint.Path, s.opts.MaxResponse)
	if err != nil {
		return nil, &ConnectionError{Endpoints: []Endpoint{s.endpoint}, Err: err}
	}
	return c, nil
}

// Close ends the client and all its views. Requests under way end by themselves.
func (c *Client) Close() error {
	c.pool.close()
	return nil
}

// Endpoint returns the socket of the service.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Persistent reports whether the service keeps connections: whether it is a parsec-agent
// rather than the original.
func (c *Client) Persistent() bool { return c.kept.Load() == keptGranted }

// WithProvider returns a view of the client whose operations with keys go to the provider
// of that number.
func (c *Client) WithProvider(id wire.ProviderID) *Client {
	return &Client{shared: c.shared, provider: &id}
}

// WithInstance returns a view of the client whose new keys are made by the provider of
// that configured name. The original service has no names: StatusNotSupported.
func (c *Client) WithInstance(ctx context.Context, name string) (*Client, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range info.Providers {
		if p.Name == name {
			return &Client{shared: c.shared, provider: &p.ID, instance: name}, nil
		}
	}
	return nil, wire.Errorf(wire.StatusProviderNotRegistered, "no provider has the name %q", name)
}

// Provider returns the provider of operations with keys: the one chosen, or the first
// that the service lists.
func (c *Client) Provider(ctx context.Context) (wire.ProviderID, error) {
	if c.provider != nil {
		return *c.provider, nil
	}
	if id := c.first.Load(); id != nil {
		return *id, nil
	}
	list, err := c.ListProviders(ctx)
	if err != nil {
		return 0, err
	}
	id := wire.ProviderCore
	if len(list) > 0 {
		id = list[0].ID
	}
	c.first.Store(&id)
	return id, nil
}

// Instance returns the provider instance that was chosen by name, or nothing.
func (c *Client) Instance() string { return c.instance }
