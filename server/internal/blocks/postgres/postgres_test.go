package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/seed-73b3884f/parsec-agent/internal/disktest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/blockstest"
	"github.com/seed-73b3884f/parsec-agent/server/internal/blocks/postgres"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }

// TestPostgreSQL gives each test a schema of one data base: making a data base takes long.
func TestPostgreSQL(t *testing.T) {
	address, places := sync.OnceValue(func() string { return pgtest.Database(t) }), 0
	blockstest.Run(t, blockstest.Config{
		Place: func(t testing.TB) string {
			t.Helper()
			places++
			schema := fmt.Sprintf("place%d", places)
			if _, err := pool(t, address()).Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
				t.Fatal(err)
			}
			return address() + "&search_path=" + schema
		},
		Open: func(t testing.TB, place string) (blocks.Store, error) {
			t.Helper()
			return postgres.New(context.Background(), pool(t, place))
		},
	})
}

func pool(t testing.TB, address string) *pgxpool.Pool {
	t.Helper()
	p, err := pgxpool.New(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func open(t *testing.T, address string) *postgres.Store {
	t.Helper()
	s, err := postgres.New(t.Context(), pool(t, address))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exec runs a statement, for a test that looks behind the store.
func exec(t *testing.T, p *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := p.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// TestGoldenTable holds the table to docs/formats/blockstore.md.
func TestGoldenTable(t *testing.T) {
	p := pool(t, pgtest.Database(t))
	s, err := postgres.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	exec(t, p, `INSERT INTO stored_block (organization_id, block_id, data) VALUES ('CoolOrg', '3b917792-35ac-409f-9af1-fe6de8d2b905', 'content')`)
	id, _ := blocks.ParseName("3b917792-35ac-409f-9af1-fe6de8d2b905")
	got, err := s.Read(t.Context(), blockstest.Org(t, "CoolOrg"), id)
	if err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
	var columns, storage string
	err = p.QueryRow(t.Context(), `SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum), max(attstorage::text) FILTER (WHERE attname = 'data')
		FROM pg_attribute WHERE attrelid = 'stored_block'::regclass AND attnum > 0`).Scan(&columns, &storage)
	if err != nil || columns != "organization_id text, block_id uuid, created_at timestamp with time zone, data bytea" || storage != "e" {
		t.Errorf("columns %s, storage %s, %v", columns, storage, err)
	}
}

func TestRefusesAnotherTable(t *testing.T) {
	p := pool(t, pgtest.Database(t))
	for _, sql := range []string{`CREATE TABLE stored_block (x TEXT)`, `COMMENT ON TABLE stored_block IS 'parsec-agent block table 2'`} {
		exec(t, p, sql)
		if _, err := postgres.New(t.Context(), p); err == nil || !strings.Contains(err.Error(), `knows "parsec-agent block table 1"`) {
			t.Errorf("after %s: %v", sql, err)
		}
	}
}

func TestRefusesLateCommits(t *testing.T) {
	address := pgtest.Database(t) + "&synchronous_commit=off"
	if _, err := postgres.New(t.Context(), pool(t, address)); err == nil || !strings.Contains(err.Error(), "synchronous_commit is off") {
		t.Errorf("commits may be lost: %v", err)
	}
}

func TestStartTogether(t *testing.T) {
	p := pool(t, pgtest.Database(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := postgres.New(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestDamagedRow(t *testing.T) {
	p := pool(t, pgtest.Database(t))
	s, err := postgres.New(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	id := trust.NewBlockID()
	exec(t, p, `INSERT INTO stored_block (organization_id, block_id, data) VALUES ('o', $1, convert_to(repeat('x', $2), 'UTF8'))`, [16]byte(id), blocks.MaxSize+1)
	if _, err := s.Read(t.Context(), blockstest.Org(t, "o"), id); !errors.Is(err, blocks.ErrCorrupt) {
		t.Errorf("a row that is too large: %v", err)
	}
}

// TestOriginal reads the table that the original's first migration makes.
func TestOriginal(t *testing.T) {
	p := pool(t, pgtest.Database(t))
	if _, err := postgres.OpenOriginal(t.Context(), p); err == nil {
		t.Error("opened without the table")
	}
	exec(t, p, `CREATE TABLE block_data (_id SERIAL PRIMARY KEY, organization_id VARCHAR NOT NULL, block_id UUID NOT NULL, data BYTEA NOT NULL, UNIQUE (organization_id, block_id))`)
	o, err := postgres.OpenOriginal(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	org, first, second := blockstest.Org(t, "o"), trust.BlockID{1}, trust.BlockID{2}
	exec(t, p, `INSERT INTO block_data (organization_id, block_id, data) VALUES ('o', $1, 'one'), ('o', $2, 'two'), ('p', $1, 'other')`, [16]byte(first), [16]byte(second))
	if got, err := o.Read(t.Context(), org, second); err != nil || string(got) != "two" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := o.Read(t.Context(), org, trust.BlockID{3}); !errors.Is(err, blocks.ErrNotFound) {
		t.Errorf("read what is absent: %v", err)
	}
	page, err := o.List(t.Context(), org, nil, 10)
	next, err2 := o.List(t.Context(), org, &first, 10)
	if err := errors.Join(err, err2); err != nil || len(page) != 2 || page[0].ID != first || len(next) != 1 || next[0].ID != second {
		t.Errorf("%v, %v, %v", page, next, err)
	}
	if err := o.Create(t.Context(), org, first, nil); !errors.Is(err, blocks.ErrInvalid) {
		t.Errorf("create: %v", err)
	}
	if err := o.Delete(t.Context(), org, first); !errors.Is(err, blocks.ErrInvalid) {
		t.Errorf("delete: %v", err)
	}
}

// TestOutage: PostgreSQL is stopped and killed under load, and service resumes by itself.
func TestOutage(t *testing.T) {
	server := pgtest.Start(t, pgtest.Options{})
	s := open(t, server.Database(t))
	for _, end := range []func() error{server.Stop, server.Kill} {
		blockstest.Outage(t, s, func() {
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if err := s.Health(t.Context()); !errors.Is(err, blocks.ErrUnavailable) {
				t.Errorf("health without a data base: %v", err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
		})
		if err := s.Health(t.Context()); err != nil {
			t.Errorf("health afterwards: %v", err)
		}
	}
}

// TestFullDisk has the table on a disk of its own.
func TestFullDisk(t *testing.T) {
	disk := disktest.Tiny(t)
	server := pgtest.Start(t, pgtest.Options{})
	address, err := url.Parse(server.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	owner, err := os.Stat(address.Query().Get("host"))
	if err != nil {
		t.Fatal(err)
	}
	st, ok := owner.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatalf("%T", owner.Sys())
	}
	err = errors.Join(os.Chown(disk, int(st.Uid), int(st.Gid)), os.Chmod(filepath.Dir(disk), 0o711))
	if err != nil {
		t.Fatal(err)
	}
	server.Exec(t, "postgres", fmt.Sprintf("CREATE TABLESPACE tiny LOCATION '%s'", disk))
	s, org := open(t, address.String()+"&default_tablespace=tiny"), blockstest.Org(t, "o")
	kept := trust.NewBlockID()
	if err := s.Create(t.Context(), org, kept, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	var pg *pgconn.PgError
	for range 2 {
		err := s.Create(t.Context(), org, trust.NewBlockID(), make([]byte, blocks.MaxSize))
		if !errors.Is(err, blocks.ErrUnavailable) || !errors.As(err, &pg) || pg.Code != "53100" {
			t.Errorf("created on a full disk: %v", err)
		}
	}
	if got, err := s.Read(t.Context(), org, kept); err != nil || string(got) != "kept" {
		t.Errorf("%q, %v", got, err)
	}
}
