package client

import (
	"context"
	"net"

	"github.com/seed-73b3884f/parsec-agent/proto/wire"
)

// NewTestOnlyClient returns a client whose connections come from dial.
func NewTestOnlyClient(opts Options, dial func() (*net.UnixConn, error)) *Client {
	opts = opts.withDefaults()
	c := newClient(opts, Endpoint{Path: "test"})
	c.pool.dial = func(context.Context) (*conn, error) {
		u, err := dial()
		if err != nil {
			return nil, err
		}
		k := &conn{net: u, arrived: counter{r: u}}
		k.reader = wire.NewReader(&k.arrived, opts.MaxResponse)
		return k, nil
	}
	return c
}
