package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// What a handler keeps blocks in.
const (
	inMemory   = "memory"
	onDisk     = "disk"
	onDatabase = "database"
)

// handler is a server of HTTP that reads requests and answers as much as a metadata server would, and does nothing else but what it must with blocks.
type handler struct {
	// keep stores what was sent, and send sends a block.
	keep func(ctx context.Context, body []byte) error
	send func(ctx context.Context, w io.Writer) error
}

// newHandler makes one whose blocks are in a place of a kind: a directory, a database.
func newHandler(ctx context.Context, kind, place string) (*handler, error) {
	block := random(serverBlock)
	switch kind {
	case inMemory:
		return &handler{
			keep: func(context.Context, []byte) error { return nil },
			send: func(_ context.Context, w io.Writer) error {
				_, err := w.Write(block)
				return err
			},
		}, nil
	case onDisk:
		return onFiles(place, block)
	case onDatabase:
		d, err := openDatabase(ctx, place)
		if err != nil {
			return nil, err
		}
		return &handler{
			keep: func(ctx context.Context, body []byte) error { return d.insert(ctx, trust.NewBlockID(), body) },
			send: func(ctx context.Context, w io.Writer) error {
				data, err := d.read(ctx)
				if err == nil {
					_, err = w.Write(data)
				}
				return err
			},
		}, nil
	}
	return nil, fmt.Errorf("nothing is known of %q", kind)
}

// onFiles keeps blocks in files, each synchronised, and sends one.
func onFiles(dir string, block []byte) (*handler, error) {
	var number atomic.Uint64
	one := filepath.Join(dir, "one")
	if err := errors.Join(os.MkdirAll(dir, 0o700), writeDurably(one, block)); err != nil { //nolint:gosec // a directory of ours
		return nil, err
	}
	return &handler{
		keep: func(_ context.Context, body []byte) error {
			return writeDurably(filepath.Join(dir, strconv.FormatUint(number.Add(1), 10)), body)
		},
		send: func(_ context.Context, w io.Writer) (err error) {
			f, err := os.Open(one) //nolint:gosec // a directory of ours
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			_, err = io.Copy(w, f)
			return err
		},
	}, nil
}

// ServeHTTP answers.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	w.Header().Set("Content-Type", cloud.ContentMsgpack)
	switch {
	case err != nil:
	case r.URL.Path == "/"+readBlock:
		w.Header().Set("Content-Length", strconv.Itoa(serverBlock))
		err = h.send(r.Context(), w)
	case r.URL.Path == "/"+createBlock:
		err = h.keep(r.Context(), body)
		fallthrough
	default:
		w.Header().Set("Content-Length", "2")
		if err == nil {
			_, err = io.WriteString(w, "ok")
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "handler:", err)
	}
}

// serveHandler runs a handler.
func serveHandler(address, kind, place string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	h, err := newHandler(ctx, kind, place)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
