package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sys/unix"

	"github.com/seed-73b3884f/parsec-agent/trust"
)

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
func disk(ctx context.Context, dir string, writers int, each time.Duration) (got serverSample, err error) {
	dir, err = os.MkdirTemp(dir, "disk")
	if err != nil {
		return got, err
	}
	data, number, before := random(serverBlock), make([]int, writers), spent()
	got.sample, err = again(ctx, writers, each, func(w int, _ time.Time) error {
		number[w]++
		return writeDurably(filepath.Join(dir, fmt.Sprintf("%d-%d", w, number[w])), data)
	})
	got.CPU = microseconds(spent()-before) / float64(max(1, got.Requests))
	return got, errors.Join(err, os.RemoveAll(dir))
}

// spent is the processor time of this process.
func spent() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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

func openDatabase(ctx context.Context, address string) (*database, error) {
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
	return d, d.insert(ctx, d.id, d.data)
}

func (d *database) insert(ctx context.Context, id trust.BlockID, data []byte) error {
	_, err := d.pool.Exec(ctx, "INSERT INTO bare VALUES ($1, $2)", id[:], data)
	return err
}

func (d *database) read(ctx context.Context) (data []byte, err error) {
	err = d.pool.QueryRow(ctx, "SELECT data FROM bare WHERE id = $1", d.id[:]).Scan(&data)
	return data, err
}

// measure measures a work on blocks by so many at once.
func (d *database) measure(ctx context.Context, work string, clients int, each time.Duration) (sample, error) {
	return again(ctx, clients, each, func(int, time.Time) error {
		if work == createBlock {
			return d.insert(ctx, trust.NewBlockID(), d.data)
		}
		_, err := d.read(ctx)
		return err
	})
}
