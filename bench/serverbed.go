package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/interop/original"
	"github.com/seed-73b3884f/parsec-agent/server/pgtest"
	"github.com/seed-73b3884f/parsec-agent/trust"
)

// Servers that are measured, and what does nothing but what a ceiling is of.
const (
	oursSQLite     = "ours, SQLite"
	theirsMemory   = "original, memory"
	oursPostgres   = "ours, PostgreSQL"
	theirsPostgres = "original, PostgreSQL"
	bareHandler    = "bare handler"
	diskHandler    = "bare handler on disk"
	pgHandler      = "bare handler on PostgreSQL"
	bareDisk       = "bare disk"
	barePostgres   = "bare PostgreSQL"
)

// serverFiles is how many files a server may have open: one for each listener and more.
const serverFiles = 20_000

// serverStart bounds how long a server may take to answer. The original makes its tables meanwhile.
const serverStart = 2 * time.Minute

// serverSubject is a server under measurement, or what stands for one.
type serverSubject struct {
	name    string
	address string
	// org is what is on the server, nil for what is no metadata server.
	org     *serverOrganisation
	process *agentdtest.Process
}

// serverBed is where servers lie.
type serverBed struct {
	dir, self, ours, script string
	postgres                *pgtest.Server
	subjects                []*serverSubject
}

// makeServerBed builds our server and starts PostgreSQL, which waits for the disk.
func makeServerBed(ctx context.Context, o options) (b *serverBed, err error) {
	dir, err := os.MkdirTemp("", "pbs-")
	if err != nil {
		return nil, err
	}
	b = &serverBed{dir: dir}
	if b.self, err = os.Executable(); err != nil {
		return b, err
	}
	if err = b.buildServer(ctx); err != nil {
		return b, err
	}
	if o.original {
		if b.script, err = original.Script(); err != nil {
			return b, err
		}
	}
	b.postgres, err = pgtest.Run(pgtest.Options{Settings: map[string]string{"fsync": "on", "shared_buffers": "128MB", "max_wal_size": "4GB"}}) //nolint:contextcheck // it has a limit of its own
	return b, err
}

// buildServer builds our server.
func (b *serverBed) buildServer(ctx context.Context) error {
	b.ours = filepath.Join(b.dir, "parsec-server")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", b.ours, "github.com/seed-73b3884f/parsec-agent/server/parsec-server") //nolint:gosec // our own paths
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build parsec-server: %w\n%s", err, msg)
	}
	return nil
}

// start starts a server.
func (b *serverBed) start(ctx context.Context, name string) (*serverSubject, error) {
	argv, address, err := b.command(ctx, name)
	if err != nil {
		return nil, err
	}
	return b.spawn(ctx, name, argv, address)
}

// fill makes the organisation that the server is asked for.
func (s *serverSubject) fill(ctx context.Context, certificates int) error {
	server, err := trust.ParseServerURL("http://" + s.address)
	if err == nil {
		s.org, err = newServerOrganisation(ctx, server, certificates)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", s.name, err, s.process.Log())
	}
	return nil
}

// command is how a server is started, and where it will answer.
func (b *serverBed) command(ctx context.Context, name string) (argv []string, address string, err error) {
	address, err = freeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, "", err
	}
	database := ""
	if name == oursPostgres || name == theirsPostgres || name == pgHandler {
		if database, err = b.postgres.NewDatabase(); err != nil { //nolint:contextcheck // it has a limit of its own
			return nil, "", err
		}
	}
	ours := func(more ...string) []string {
		return append([]string{
			b.ours, "run", "--port", port, "--data-dir", filepath.Join(b.dir, port), "--spontaneous-organization-bootstrap",
			"--rate-limit-address=0", "--rate-limit-organization=0",
		}, more...)
	}
	switch name {
	case oursSQLite:
		argv = ours()
	case oursPostgres:
		argv = ours("--db", database, "--blockstore", "POSTGRESQL")
	case theirsMemory:
		argv = []string{b.script, "cloud", port}
	case theirsPostgres:
		argv = []string{b.script, "cloud", port, database}
	case bareHandler:
		argv = []string{b.self, serveArgument, handlerArgument, address, inMemory, ""}
	case diskHandler:
		argv = []string{b.self, serveArgument, handlerArgument, address, onDisk, filepath.Join(b.dir, port)}
	case pgHandler:
		argv = []string{b.self, serveArgument, handlerArgument, address, onDatabase, database}
	}
	return argv, address, nil
}

// freeAddress is one where nobody listens now.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// spawn starts a process and waits until it answers.
func (b *serverBed) spawn(ctx context.Context, name string, argv []string, address string) (*serverSubject, error) {
	p, err := agentdtest.Spawn(agentdtest.Command{Argv: argv, Dir: b.dir, Env: os.Environ(), UID: uid(), Files: serverFiles})
	if err != nil {
		return nil, err
	}
	s := &serverSubject{name: name, address: address, process: p}
	b.subjects = append(b.subjects, s)
	ctx, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	for !answers(ctx, address) {
		select {
		case <-p.Done():
			return nil, fmt.Errorf("%s ended before it was ready:\n%s", name, p.Log())
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is not ready: %w\n%s", name, ctx.Err(), p.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return s, nil
}

func answers(ctx context.Context, address string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return false
	}
	return resp.Body.Close() == nil
}

// close ends and removes everything.
func (b *serverBed) close() error {
	var errs []error
	for _, s := range slices.Backward(b.subjects) {
		if s.org != nil {
			s.org.client.Close()
		}
		s.process.Kill() // nothing that it has is kept
	}
	if b.postgres != nil {
		errs = append(errs, b.postgres.Remove())
	}
	return errors.Join(append(errs, os.RemoveAll(b.dir))...)
}

// pauseOthers stops all servers but one for a while.
func (b *serverBed) pauseOthers(only *serverSubject) error {
	all := []*subject{}
	this := &subject{}
	for _, s := range b.subjects {
		p := &subject{process: s.process}
		if s == only {
			this = p
		}
		all = append(all, p)
	}
	return pauseOthers(all, this)
}
