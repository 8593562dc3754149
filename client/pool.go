package client

import (
	"context"
	"sync"
	"time"
)

// pool bounds the connections in use and keeps a few between requests.
type pool struct {
	dial    func(context.Context) (*conn, error)
	slots   chan struct{} // one token per connection in use
	maxIdle int

	mu     sync.Mutex // guards the fields below
	idle   []*conn    // the last is the one used last
	closed bool
}

func newPool(dial func(context.Context) (*conn, error), maxConns, maxIdle int) *pool {
	return &pool{dial: dial, slots: make(chan struct{}, maxConns), maxIdle: maxIdle}
}

// get returns a connection of the caller's own: a kept one, unless fresh is true, or a
// new one. It waits while as many as allowed are in use. A context that is over gets none:
// nothing is asked on its behalf.
func (p *pool) get(ctx context.Context, fresh bool) (*conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	c, err := p.take(fresh)
	if c == nil && err == nil {
		c, err = p.dial(ctx)
	}
	if err != nil {
		<-p.slots
	}
	return c, err
}

// take returns an idle connection that is still good, or nil.
func (p *pool) take(fresh bool) (*conn, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, ErrClosed
		}
		n := len(p.idle)
		if fresh || n == 0 {
			p.mu.Unlock()
			return nil, nil //nolint:nilnil // none is idle
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if c.usable() {
			c.reused = true
			return c, nil
		}
		c.close()
	}
}

// put gives a connection back; keep says that it may carry another request.
func (p *pool) put(c *conn, keep bool) {
	defer func() { <-p.slots }()
	if keep {
		c.reader.Wipe()
		c.idledAt = time.Now()
		p.mu.Lock()
		keep = !p.closed && len(p.idle) < p.maxIdle
		if keep {
			p.idle = append(p.idle, c)
		}
		p.mu.Unlock()
	}
	if !keep {
		c.close()
	}
}

// close closes the idle connections; those in use are closed when they come back.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}
