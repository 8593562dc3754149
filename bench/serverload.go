package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// shot is a request of one connection, ready to be sent: what changes from one to the next is written over in place.
type shot struct {
	frame []byte
	// tokens are authorisations, one for each second from since on, as clients make them; token is where they go, empty for nobody.
	token  []byte
	tokens []string
	since  int64
	// id is where a new id goes, empty where none is needed.
	id []byte
	// least is how long the body of an answer is at least.
	least int
}

// ids numbers what is made, over all runs and servers.
var ids atomic.Uint64

// ready makes the request that is sent next.
func (s *shot) ready(now time.Time) error {
	if len(s.id) > 0 {
		const spread = 0x9e3779b97f4a7c15 // odd: no two numbers meet, and neighbours are far apart
		binary.BigEndian.PutUint64(s.id, ids.Add(1)*spread)
	}
	if len(s.token) > 0 {
		i := now.Unix() - s.since
		if i < 0 || i >= int64(len(s.tokens)) {
			return errors.New("no authorisation was made for this second")
		}
		copy(s.token, s.tokens[i])
	}
	return nil
}

// gun is a kept connection with its request.
type gun struct {
	shot *shot
	conn net.Conn
	in   *bufio.Reader
	// size is how long answers to such a request are.
	size int
}

func newGun(ctx context.Context, address string, s *shot) (*gun, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &gun{shot: s, conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// fire sends the request and reads the answer, which must be ok, and as long as all others.
func (g *gun) fire(now time.Time) error {
	if err := g.shot.ready(now); err != nil {
		return err
	}
	if _, err := g.conn.Write(g.shot.frame); err != nil {
		return err
	}
	size, err := g.head()
	if err != nil {
		return err
	}
	start, err := g.in.Peek(min(size, 512))
	if err != nil {
		return err
	}
	if g.size == 0 {
		if size < g.shot.least || size <= 512 && !bytes.Contains(start, []byte("ok")) {
			return fmt.Errorf("the answer is %q", start)
		}
		g.size = size
	}
	if size != g.size {
		return fmt.Errorf("the answer has %d bytes and not %d: %q", size, g.size, start)
	}
	_, err = g.in.Discard(size)
	return err
}

var success = []byte("HTTP/1.1 200 ")

// head reads status and headers, and returns how long the body is.
func (g *gun) head() (size int, err error) {
	line, err := g.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(line, success) {
		rest, _ := io.ReadAll(io.LimitReader(g.in, 512))
		return 0, fmt.Errorf("the server says %q %q", line, rest)
	}
	for size = -1; ; {
		line, err := g.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		switch {
		case !ok && size >= 0:
			return size, nil
		case !ok:
			return 0, errors.New("the answer does not say how long it is")
		case len(name) == len("content-length") && strings.EqualFold(string(name), "content-length"):
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

// shoot has connections ask for some time.
func shoot(ctx context.Context, address string, shots []*shot, each time.Duration) (sample, error) {
	guns := make([]*gun, len(shots))
	defer func() {
		for _, g := range guns {
			if g != nil {
				_ = g.conn.Close()
			}
		}
	}()
	for i, s := range shots {
		var err error
		if guns[i], err = newGun(ctx, address, s); err != nil {
			return sample{}, err
		}
		if err := guns[i].fire(time.Now()); err != nil { // the first on a connection does not count
			return sample{}, err
		}
	}
	return again(ctx, len(guns), each, func(i int, now time.Time) error { return guns[i].fire(now) })
}

// again has workers do something again and again for some time, at least once.
func again(ctx context.Context, workers int, each time.Duration, once func(worker int, now time.Time) error) (sample, error) {
	took := make([][]time.Duration, workers)
	start := time.Now()
	end := start.Add(each)
	group, ctx := errgroup.WithContext(ctx)
	for i := range took {
		took[i] = make([]time.Duration, 0, 1<<14)
		group.Go(func() error {
			for now := time.Now(); (len(took[i]) == 0 || now.Before(end)) && ctx.Err() == nil; {
				if err := once(i, now); err != nil {
					return err
				}
				next := time.Now()
				took[i] = append(took[i], next.Sub(now))
				now = next
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	seconds := time.Since(start).Seconds()
	all := slices.Concat(took...)
	if len(all) == 0 {
		return sample{}, fmt.Errorf("nothing ended in %v", each)
	}
	slices.Sort(all)
	return sample{
		PerSecond: float64(len(all)) / seconds, Requests: len(all), P50: microseconds(all[len(all)/2]), P99: microseconds(all[len(all)*99/100]),
	}, nil
}
