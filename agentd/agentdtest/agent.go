package agentdtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Options choose the agent to start. The zero value is an agent with the software
// provider, SQLite, Unix peer credentials and the caller as administrator.
type Options struct {
	// Dir is where the agent keeps its state; empty means a new directory that is removed
	// with the test. See Dir.
	Dir string
	// Config is the configuration file; empty means Config(dir).
	Config string
	// UID runs the agent as another user, which takes root. The state directory is given
	// to that user.
	UID uint32
	// Files is the agent's limit of open files, 0 for the caller's.
	Files uint64
	// Env is added to the agent's environment.
	Env []string
	// Plain leaves the race detector out of the agent, for tests that measure.
	Plain bool
}

// Agent is a running agent.
type Agent struct {
	*Process
	// Dir is the state directory, Socket where the agent listens.
	Dir, Socket string

	t       *testing.T
	command Command
}

// Config is a configuration for an agent whose state is in dir: software provider,
// SQLite, Unix peer credentials, with root and the caller as administrators.
func Config(dir string) string {
	return fmt.Sprintf(`[core_settings]
log_level = "info"
log_error_details = true
allow_root = true

[listener]
listener_type = "DomainSocket"
timeout = 5000
socket_path = "%[1]s/parsec.sock"

[authenticator]
auth_type = "UnixPeerCredentials"
admins = [ { name = "0" }, { name = "%[2]d" } ]

[agent.devices]
directory = "%[1]s"

[[key_manager]]
name = "sqlite"
manager_type = "SQLite"
sqlite_db_path = "%[1]s/kim.sqlite3"

[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "sqlite"
key_store_path = "%[1]s/keys"
`, dir, os.Getuid())
}

// Dir makes a directory for an agent's state that other users can look into, with a path
// short enough for a socket. It is removed with the test.
func Dir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "pa-") //nolint:usetesting // the path of t.TempDir is too long and private
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// New writes the configuration and prepares an agent without starting it.
func New(t *testing.T, o Options) *Agent {
	t.Helper()
	path, err := binary(t.Context(), raceEnabled && !o.Plain)
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == "" {
		o.Dir = Dir(t)
	}
	if o.Config == "" {
		o.Config = Config(o.Dir)
	}
	if o.UID == 0 {
		o.UID = uint32(os.Getuid())
	}
	a := &Agent{Dir: o.Dir, Socket: filepath.Join(o.Dir, "parsec.sock"), t: t}
	file := filepath.Join(o.Dir, "config.toml")
	if err := os.WriteFile(file, []byte(o.Config), 0o644); err != nil {
		t.Fatal(err)
	}
	if o.UID != uint32(os.Getuid()) {
		a.give(o.UID)
	}
	a.command = Command{
		Argv: []string{path, "-c", file}, Dir: o.Dir, UID: o.UID, Socket: a.Socket, Files: o.Files,
		Env: append([]string{"PATH=/usr/bin:/bin", "HOME=" + o.Dir, "GORACE=halt_on_error=1"}, o.Env...),
	}
	return a
}

// give makes another user the owner of the state directory and all in it.
func (a *Agent) give(uid uint32) {
	a.t.Helper()
	err := filepath.WalkDir(a.Dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(uid), int(uid))
	})
	if err != nil {
		a.t.Fatal(err)
	}
}

// Start starts an agent that ends with the test.
func Start(t *testing.T, o Options) *Agent {
	t.Helper()
	a := New(t, o)
	a.Start()
	return a
}

// Start starts the agent, also again after Stop or Kill.
func (a *Agent) Start() {
	a.t.Helper()
	if err := a.Try(); err != nil {
		a.t.Fatal(err)
	}
}

// Try starts the agent and returns why it did not come up.
func (a *Agent) Try() error {
	a.t.Helper()
	p, err := StartProcess(a.t.Context(), a.command)
	if err != nil {
		return err
	}
	a.Process = p
	a.t.Cleanup(func() {
		if a.Process == p {
			a.Stop()
		}
	})
	return nil
}

// Stop stops the agent in good order, or fails the test.
func (a *Agent) Stop() {
	a.t.Helper()
	if err := a.Process.Stop(); err != nil {
		a.t.Errorf("%v\n%s", err, a.Log())
	}
	a.check()
	a.Process = nil
}

// Kill ends the agent as a power failure would.
func (a *Agent) Kill() {
	a.t.Helper()
	a.Process.Kill()
	a.check()
	a.Process = nil
}

// check looks for what no log of a good agent holds.
func (a *Agent) check() {
	a.t.Helper()
	text := a.Log()
	for _, bad := range []string{"WARNING: DATA RACE", "panic:", "operation_panicked", "fatal error:"} {
		if strings.Contains(text, bad) {
			a.t.Errorf("the agent wrote %q:\n%s", bad, text)
			return
		}
	}
}
