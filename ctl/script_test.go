package ctl_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
	"github.com/seed-73b3884f/parsec-agent/ctl"
	"github.com/seed-73b3884f/parsec-agent/device/devicetest"
	"github.com/seed-73b3884f/parsec-agent/server/command"
	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

// program is the built agent.
var program string

// runner builds the agent before the tests.
type runner struct{ m *testing.M }

func (r runner) Run() int {
	dir, err := os.MkdirTemp("", "ctl-")
	if err == nil {
		defer os.RemoveAll(dir)
		program = os.Getenv(agentdtest.ProgramVariable)
		if program == "" {
			program, err = agentdtest.Build(context.Background(), dir, false)
			err = errors.Join(err, os.Setenv(agentdtest.ProgramVariable, program))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return processtest.Clean(r.m.Run())
}

func TestMain(m *testing.M) {
	testscript.Main(runner{m}, map[string]func(){
		"parsecctl":     func() { os.Exit(ctl.Main(os.Args[1:], "test")) },
		"parsec-tool":   func() { os.Exit(ctl.Tool(os.Args[1:])) },
		"parsec-server": func() { os.Exit(command.Main(os.Args[1:], "test")) },
	})
}

// TestScripts runs the commands against real agents, each script with one of its own.
// Commands of the scripts beside testscript's:
//
//	agent           start the agent, in user mode; its socket is found by itself
//	agent FILE      start it with that configuration, in which $SOCKET and $HOME are replaced
//	agent stop      end it
//	status N CMD…   run a command that must end with exit status N
//	mode FILE PERM  the file has that mode
//	devicefile FILE ORGANISATION PASSWORD  make a device file of the original client
func TestScripts(t *testing.T) {
	for tool, debian := range map[string]string{"openssl": "openssl", "sh": "dash"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skipf("needs the Debian package %s", debian)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"agent": agent, "status": status, "mode": mode, "devicefile": deviceFile(t),
		},
	})
}

// noLinger keeps programs under the race detector from sleeping a second at their end.
const noLinger = "atexit_sleep_ms=0"

type serviceKey struct{}

// service is the agent of a script.
type service struct {
	dir     string // short, for the socket
	process *agentdtest.Process
}

func setup(env *testscript.Env) error {
	dir, err := os.MkdirTemp("/tmp", "ctl-")
	if err != nil {
		return err
	}
	s := &service{dir: dir}
	env.Values[serviceKey{}] = s
	env.Defer(func() {
		if s.process != nil {
			_ = s.process.Stop() // a script that failed tells more
		}
		_ = os.RemoveAll(dir)
	})
	env.Setenv("XDG_RUNTIME_DIR", dir)
	env.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	env.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	env.Setenv("HOME", dir)
	env.Setenv("SOCKET", filepath.Join(dir, "parsec", "parsec.sock"))
	env.Setenv("UID", strconv.Itoa(os.Getuid()))
	env.Setenv("LC_ALL", "C")
	env.Setenv("GORACE", noLinger)
	return nil
}

func agent(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(serviceKey{}).(*service)
	if neg || len(args) > 1 {
		ts.Fatalf("usage: agent [CONFIG|stop]")
	}
	argv := userArgs()
	switch {
	case len(args) == 1 && args[0] == "stop":
		ts.Check(s.process.Stop())
		s.process = nil
		return
	case len(args) == 1:
		file := filepath.Join(s.dir, "config.toml")
		ts.Check(os.WriteFile(file, []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
		ts.Check(os.Mkdir(filepath.Join(s.dir, "parsec"), 0o700))
		argv = []string{program, "-c", file}
	}
	p, err := start(s.dir, argv)
	ts.Check(err)
	s.process = p
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE PERM")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

func deviceFile(t *testing.T) func(*testscript.TestScript, bool, []string) {
	t.Helper()
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 3 {
			ts.Fatalf("usage: devicefile FILE ORGANISATION PASSWORD")
		}
		path := ts.MkAbs(args[0])
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
		ts.Check(os.WriteFile(path, devicetest.PasswordFile(t, devicetest.New(t, args[1], "laptop"), args[2]), 0o600))
	}
}

// userArgs start an agent in user mode.
func userArgs() []string {
	argv := []string{program, "--user"}
	if os.Getuid() == 0 {
		argv = append(argv, "--allow-root")
	}
	return argv
}

// start starts an agent with everything below dir.
func start(dir string, argv []string) (*agentdtest.Process, error) {
	return agentdtest.StartProcess(context.Background(), agentdtest.Command{
		Argv: argv, Dir: dir, UID: uint32(os.Getuid()), Socket: filepath.Join(dir, "parsec", "parsec.sock"),
		Env: []string{
			"PATH=/usr/bin:/bin", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir,
			"XDG_STATE_HOME=" + filepath.Join(dir, "state"), "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"),
		},
	})
}

// startAgent starts an agent that ends with the test and returns its directory, which is
// to be XDG_RUNTIME_DIR.
func startAgent(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ctl-") //nolint:usetesting // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(dir, userArgs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}
