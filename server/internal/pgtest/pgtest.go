// Package pgtest starts a PostgreSQL of its own for the tests of a package: an unprivileged process
// without network, whose files go with it. A package whose tests use it has
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// missing is the error of a machine without PostgreSQL.
var errMissing = errors.New("PostgreSQL is not installed (Debian package postgresql)")

var (
	// cluster starts when a test first asks for it.
	cluster = sync.OnceValues(start)
	started atomic.Pointer[server]
	number  atomic.Int64
)

type server struct {
	dir, bin string
	cmd      *exec.Cmd
	log      *bytes.Buffer
}

// Main runs the tests of a package and ends what they started.
func Main(m *testing.M) int {
	code := m.Run()
	if s := started.Load(); s != nil {
		s.stop()
	}
	return code
}

// URL returns the address of an empty database, which is gone after the test.
func URL(t testing.TB) string {
	t.Helper()
	s := running(t)
	name := "test" + strconv.FormatInt(number.Add(1), 10)
	s.administer(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { s.administer(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	return s.url(name)
}

// Shared returns the address of a database that all tests of the package share, for those that keep apart by themselves.
func Shared(t testing.TB) string {
	t.Helper()
	s := running(t)
	shared.Do(func() { s.administer(t, "CREATE DATABASE shared") })
	return s.url("shared")
}

var shared sync.Once

func running(t testing.TB) *server {
	t.Helper()
	s, err := cluster()
	switch {
	case errors.Is(err, errMissing) && os.Getenv("CI") == "":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return s
}

func (s *server) url(database string) string {
	query := url.Values{"host": {s.dir}, "user": {"postgres"}}
	return (&url.URL{Scheme: "postgresql", Path: "/" + database, RawQuery: query.Encode()}).String()
}

func (s *server) administer(t testing.TB, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(ctx) }()
	if _, err := c.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// start makes a cluster and waits until it answers. Commits do not wait for the disk: nothing of it is kept.
func start() (*server, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errMissing
	}
	dir, err := os.MkdirTemp("/tmp", "pg-") // a path of a socket is short
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, bin: filepath.Dir(found[len(found)-1]), log: &bytes.Buffer{}}
	who, err := s.owner()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := s.command(who, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	s.cmd = s.command(who, "postgres", "-D", data, "-k", dir, "-h", "", "-F", "-c", "max_connections=300", "-c", "shared_buffers=32MB")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	started.Store(s)
	return s, s.wait()
}

// owner gives the directory to the user postgres when root asks: PostgreSQL refuses to run as root.
func (s *server) owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errMissing
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID, os.Chown(s.dir, int(uid), int(gid))); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func (s *server) command(who *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

func (s *server) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w: %s", err, s.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends it without waiting for anybody.
func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.dir)
}
