package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

// limit bounds how long a server may take to answer or to end.
const limit = 60 * time.Second

// Options of a server; the zero value is what most tests want.
type Options struct {
	// Settings are those of postgresql.conf, such as "fsync": "on".
	Settings map[string]string
}

// Server is a PostgreSQL server. Its methods may be called concurrently, but for those that
// start and end it.
type Server struct {
	dir       string
	tools     tools
	settings  map[string]string
	databases atomic.Int64
	proc      *exec.Cmd // nil when it does not run
}

// Start starts a server with empty databases; it ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := start(find(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Run is Start for what is no test: whoever asks for the server removes it.
func Run(o Options) (*Server, error) {
	bin, ok := binaries()
	if !ok {
		return nil, errors.New(missing)
	}
	who, err := unprivileged()
	if err != nil {
		return nil, err
	}
	return start(tools{bin: bin, user: who}, o)
}

// start makes a directory under /tmp, for other paths are too long for a socket.
func start(found tools, o Options) (_ *Server, err error) {
	dir, err := os.MkdirTemp("/tmp", "pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, tools: found, settings: o.Settings}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Remove())
		}
	}()
	if err := os.Chown(dir, found.user.id, found.user.group); err != nil {
		return nil, err
	}
	init := s.command("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return s, s.Start()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command is a program of PostgreSQL as its user, which dies with this process. Its only
// environment is a path, for variables such as PGDATA would change what it does.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(s.tools.bin, name), args...)
	c.Dir, c.Env = s.dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}
	if s.tools.user.id != os.Getuid() {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(s.tools.user.id), Gid: uint32(s.tools.user.group)}
	}
	return c
}

// Start starts the server on its data, after Stop or Kill, and waits until it answers.
func (s *Server) Start() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		if s.proc == nil {
			if err := s.spawn(); err != nil {
				return err
			}
		}
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		// The processes of a killed server may keep its memory for a moment: try again.
		s.reap()
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(s.log())
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, log), s.Kill())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) log() string { return filepath.Join(s.dir, "log") }

func (s *Server) spawn() error {
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-F", "-c", "shared_buffers=16MB", "-c", "log_min_messages=warning"}
	for name, value := range s.settings {
		args = append(args, "-c", name+"="+value)
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	c := s.command("postgres", args...)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	s.proc = c
	return log.Close()
}

// PID is that of the process whose children serve connections.
func (s *Server) PID() int { return s.proc.Process.Pid }

// reap forgets a process that has ended.
func (s *Server) reap() {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, s.proc.Process.Pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	if err == nil && info.Signo != 0 {
		_ = s.proc.Wait() // why is in the log
		s.proc = nil
	}
}

func (s *Server) ping(ctx context.Context) error {
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	return errors.Join(c.Ping(ctx), c.Close(ctx))
}

// Stop has the server end as an administrator does: connections are cut, work is rolled back.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the server as the kernel does when memory is short.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(signal syscall.Signal) error {
	if s.proc == nil {
		return nil
	}
	p := s.proc
	s.proc = nil
	if err := p.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	var late atomic.Bool
	timer := time.AfterFunc(limit, func() {
		late.Store(true)
		_ = p.Process.Kill() // Wait says how it ended
	})
	_ = p.Wait() // it was signalled
	timer.Stop()
	if late.Load() {
		return fmt.Errorf("PostgreSQL did not end within %v of signal %v", limit, signal)
	}
	return nil
}

// Remove ends the server and removes its data.
func (s *Server) Remove() error {
	err := s.Kill()
	// What remains of a killed server may still make files.
	for end := time.Now().Add(limit); ; time.Sleep(5 * time.Millisecond) {
		e := os.RemoveAll(s.dir)
		if e == nil || time.Now().After(end) {
			return errors.Join(err, e)
		}
	}
}

// URL returns the address of a database, for pgx and every client that knows libpq's.
func (s *Server) URL(database string) string {
	q := url.Values{"host": {s.dir}, "user": {"postgres"}}
	return (&url.URL{Scheme: "postgresql", Path: "/" + database, RawQuery: q.Encode()}).String()
}

// Database makes an empty database and returns its address.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	address, err := s.NewDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// NewDatabase is Database for what is no test.
func (s *Server) NewDatabase() (string, error) {
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	return s.URL(name), s.exec("postgres", "CREATE DATABASE "+name)
}

// Exec runs statements in a database.
func (s *Server) Exec(t testing.TB, database, sql string) {
	t.Helper()
	if err := s.exec(database, sql); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) exec(database, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, sql)
	if err := errors.Join(err, c.Close(ctx)); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// shared is the server of a test program.
var shared struct {
	sync.Mutex // guards the field below

	server *Server
}

// Database makes an empty database on the server that the tests of the program share, and
// returns its address. TestMain ends with Exit.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s, err := start(find(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		shared.server = s
	}
	return shared.server.Database(t)
}

// Exit ends the shared server, if there is one, and the process. It also fits goleak.Cleanup.
func Exit(code int) { os.Exit(Clean(code)) }

// Clean ends the shared server, if there is one, for who exits otherwise, and returns the exit status, which is a failure if that fails.
func Clean(code int) int {
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		if err := shared.server.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
		shared.server = nil
	}
	return code
}
