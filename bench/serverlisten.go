package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// listening is what many listeners cost a server.
type listening struct {
	Listeners int `json:"listeners"`
	// Before and With are the server's memory without and with them, in bytes.
	Before int64 `json:"before"`
	With   int64 `json:"with"`
	// OpenMS is how long it took until all listened, ToldMS how long from a command until the last of them heard of it, of each try.
	OpenMS float64   `json:"open_ms"`
	ToldMS []float64 `json:"told_ms"`
	// Lost is how many the server had disconnected before they heard of all.
	Lost int `json:"lost"`
}

// Tries, and how long listeners are waited for.
const (
	toldTries = 5
	toldTime  = time.Minute
)

// stream is an open stream of events.
type stream struct {
	conn net.Conn
	in   *bufio.Reader
	lost bool
}

// listen opens a stream of a device and reads the first event, which says that it listens.
func (o *serverOrganisation) listen(ctx context.Context, address string, d *serverDevice) (*stream, error) {
	token, err := cloud.NewDeviceToken(d.id, time.Now(), d.key)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s := &stream{conn: conn, in: bufio.NewReaderSize(conn, 1<<10)}
	_, err = fmt.Fprintf(conn, "GET /authenticated/%s/events HTTP/1.1\r\nHost: bench\r\n%s: %s\r\nAccept: %s\r\nAuthorization: %s\r\n\r\n",
		url.PathEscape(o.id.String()), cloud.HeaderVersion, cloud.Current, cloud.ContentEvents, token)
	if err == nil {
		err = s.event()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// event reads up to the end of the next event that has data.
func (s *stream) event() error {
	if err := s.conn.SetReadDeadline(time.Now().Add(toldTime)); err != nil {
		return err
	}
	data := false
	for {
		line, err := s.in.ReadSlice('\n')
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		case bytes.HasPrefix(line, []byte("data:")) && len(bytes.TrimSpace(line)) > len("data:"):
			data = true
		case data && len(bytes.TrimSpace(line)) == 0:
			return nil
		}
	}
}

// measureListeners opens so many streams and sees how long it takes until all hear of a new device.
func measureListeners(ctx context.Context, s *serverSubject, n int) (_ *listening, err error) {
	before, err := s.process.Usage()
	if err != nil {
		return nil, err
	}
	l := &listening{Listeners: n, Before: before.RSS}
	begin := time.Now()
	all := make([]*stream, n)
	defer func() {
		for _, one := range all {
			if one != nil {
				err = errors.Join(err, one.conn.Close())
			}
		}
	}()
	opening, inner := errgroup.WithContext(ctx)
	opening.SetLimit(serverClients)
	for i := range all {
		opening.Go(func() (err error) {
			all[i], err = s.org.listen(inner, s.address, &s.org.devices[1+i%(serverClients-1)]) // the first device makes the others
			return err
		})
	}
	if err := opening.Wait(); err != nil {
		return nil, err
	}
	l.OpenMS = microseconds(time.Since(begin)) / 1e3
	for range toldTries {
		took, err := s.tell(ctx, all)
		if err != nil {
			return nil, err
		}
		l.ToldMS = append(l.ToldMS, microseconds(took)/1e3)
	}
	for _, one := range all {
		if one.lost {
			l.Lost++
		}
	}
	with, err := s.process.Usage()
	l.With = with.RSS
	return l, err
}

// tell adds a device and waits until everybody heard of it.
func (s *serverSubject) tell(ctx context.Context, all []*stream) (time.Duration, error) {
	begin := time.Now()
	now, err := trust.DateTimeOf(begin)
	if err != nil {
		return 0, err
	}
	s.org.clock = now
	if err := s.org.addDevice(ctx); err != nil {
		return 0, err
	}
	s.org.devices = s.org.devices[:serverClients]
	heard := errgroup.Group{}
	for part := range slices.Chunk(all, 100) {
		heard.Go(func() error {
			for _, one := range part {
				if one.lost {
					continue
				}
				err := one.event()
				if one.lost = errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET); err != nil && !one.lost {
					return fmt.Errorf("a listener heard nothing: %w", err)
				}
			}
			return nil
		})
	}
	err = heard.Wait()
	return time.Since(begin), err
}

func (l *listening) print(w io.Writer, name string) {
	fmt.Fprintf(w, "%s\t%d listeners\topen in %.0f ms\tall told in %.0f ms\t%d lost\t%.1f MB before\t%.1f MB with them\t%.1f KB each\n",
		name, l.Listeners, l.OpenMS, median(l.ToldMS), l.Lost, megabytes(l.Before), megabytes(l.With), float64(l.With-l.Before)/float64(max(1, l.Listeners))/1e3)
}
