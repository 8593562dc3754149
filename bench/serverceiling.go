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
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed-73b3884f/parsec-agent/proto/cloud"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// serveHandler is a server of HTTP that reads requests and answers as much as a metadata server would, and does nothing else.
func serveHandler(address string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	small, err := cloud.EncodeReply(&cloud.OK{})
	if err != nil {
		return err
	}
	block, err := cloud.EncodeReply(&cloud.BlockReadOK{Block: random(serverBlock)})
	if err != nil {
		return err
	}
	answer := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadFull(r.Body, make([]byte, r.ContentLength))
			w.Header().Set("Content-Type", cloud.ContentMsgpack)
			w.Header().Set("Content-Length", strconv.Itoa(len(body)))
			_, _ = w.Write(body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/", answer(small))
	mux.HandleFunc("/"+readBlock, answer(block))
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handlerShots are requests for the bare handler, of the size that those for a server have.
func handlerShots(work string, clients int) ([]*shot, error) {
	body := random(100)
	if work == createBlock {
		body = random(serverBlock)
	}
	all := []*shot{}
	for range clients {
		s := &shot{}
		if err := s.compose("/"+work, body, nil); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// disk writes blocks as files and waits for the disk, in a directory of its own.
func disk(ctx context.Context, dir string, writers int, each time.Duration) (sample, error) {
	dir, err := os.MkdirTemp(dir, "disk")
	if err != nil {
		return sample{}, err
	}
	data, number := random(serverBlock), make([]int, writers)
	got, err := again(ctx, writers, each, func(w int, _ time.Time) error {
		number[w]++
		return writeDurably(filepath.Join(dir, fmt.Sprintf("%d-%d", w, number[w])), data)
	})
	return got, errors.Join(err, os.RemoveAll(dir))
}

func writeDurably(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // a directory of ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// database is PostgreSQL with a table of blocks, and nothing before it.
type database struct {
	pool *pgxpool.Pool
	id   trust.BlockID
	data []byte
}

// databaseConnections is how many connections to PostgreSQL there are: as many as a server of ours has by default.
const databaseConnections = 7

func openDatabase(ctx context.Context, server *pgtest.Server) (*database, error) {
	address, err := server.NewDatabase() //nolint:contextcheck // it has a limit of its own
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	config.MaxConns = databaseConnections
	d := &database{id: trust.NewBlockID(), data: random(serverBlock)}
	if d.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	if _, err := d.pool.Exec(ctx, "CREATE TABLE bare (id BYTEA PRIMARY KEY, data BYTEA NOT NULL); ALTER TABLE bare ALTER COLUMN data SET STORAGE EXTERNAL"); err != nil {
		d.pool.Close()
		return nil, err
	}
	return d, d.insert(ctx, d.id)
}

func (d *database) insert(ctx context.Context, id trust.BlockID) error {
	_, err := d.pool.Exec(ctx, "INSERT INTO bare VALUES ($1, $2)", id[:], d.data)
	return err
}

func (d *database) read(ctx context.Context) error {
	var data []byte
	return d.pool.QueryRow(ctx, "SELECT data FROM bare WHERE id = $1", d.id[:]).Scan(&data)
}

// measure measures a work on blocks by so many at once.
func (d *database) measure(ctx context.Context, work string, clients int, each time.Duration) (sample, error) {
	return again(ctx, clients, each, func(int, time.Time) error {
		if work == createBlock {
			return d.insert(ctx, trust.NewBlockID())
		}
		return d.read(ctx)
	})
}
