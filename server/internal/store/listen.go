package store

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is where messages go in PostgreSQL.
const channel = "parsec_server"

// How long the waiting between attempts to listen again is.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 5 * time.Second
)

// listen delivers what all processes emit until the context ends. Whenever the connection was lost, messages may have been too.
func (p *postgres) listen(ctx context.Context) {
	pause := firstPause
	first := sync.OnceFunc(func() { close(p.heard) })
	for ctx.Err() == nil {
		err := p.session(ctx, func() {
			pause = firstPause
			p.deliver(Gap{}) // nothing that was remembered before may be believed
			first()
		})
		if ctx.Err() != nil {
			return
		}
		p.log.Warn("the connection for events is lost", "error", err, "pause", pause)
		p.deliver(Gap{})
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, lastPause)
	}
}

// session listens on one connection until it fails.
func (p *postgres) session(ctx context.Context, ready func()) error {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	ready()
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		m, err := p.decode(n.Payload)
		if err != nil {
			p.log.Warn("a message of another process cannot be read", "error", err)
			m = Gap{}
		}
		p.deliver(m)
	}
}

// lostConnection reports whether the network is what failed.
func lostConnection(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}
