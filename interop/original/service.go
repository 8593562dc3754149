package original

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-73b3884f/parsec-agent/agentd/agentdtest"
)

// Settings are what tests vary in a configuration.
type Settings struct {
	// Dir is the state directory. It must be shared with the tree.
	Dir string
	// Manager is "SQLite", the default, or "OnDisk".
	Manager string
	// IdleSleep is idle_listener_sleep_duration in milliseconds; negative leaves it out.
	IdleSleep int
	// Timeout is listener.timeout in milliseconds, 200 if 0.
	Timeout int
	// AllowDeprecated is allow_deprecated.
	AllowDeprecated bool
	// Storage is our key_storage, "compatible" if empty; the original ignores it.
	Storage string
	// More is appended: further providers, and tables that only our agent reads.
	More string
	// Env is added to the environment of the original.
	Env []string
}

// Config returns a configuration that both services read. Its socket is parsec.sock in
// Dir. Software keys lie in Dir itself, the original's working directory.
func (s Settings) Config() string {
	manager, path := "SQLite", fmt.Sprintf("sqlite_db_path = %q", filepath.Join(s.Dir, "kim.sqlite3"))
	if s.Manager == "OnDisk" {
		manager, path = s.Manager, fmt.Sprintf("store_path = %q", filepath.Join(s.Dir, "mappings"))
	}
	sleep := ""
	if s.IdleSleep >= 0 {
		sleep = fmt.Sprintf("idle_listener_sleep_duration = %d\n", s.IdleSleep)
	}
	timeout, storage := s.Timeout, s.Storage
	if timeout == 0 {
		timeout = 200
	}
	if storage == "" {
		storage = "compatible"
	}
	return fmt.Sprintf(`[core_settings]
log_level = "error"
allow_root = true
allow_deprecated = %t
%s
[listener]
listener_type = "DomainSocket"
timeout = %d
socket_path = "%[4]s/parsec.sock"

[authenticator]
auth_type = "UnixPeerCredentials"
admins = [ { name = "0" } ]

[[key_manager]]
name = "manager"
manager_type = "%[5]s"
%[6]s

[[provider]]
provider_type = "MbedCrypto"
key_info_manager = "manager"
key_store_path = "%[4]s"
key_storage = "%[7]s"
%[8]s`, s.AllowDeprecated, sleep, timeout, s.Dir, manager, path, storage, s.More)
}

// Start starts the original on a state directory, with the configuration of s, as the
// user uid, and waits until it answers. Its output goes to out, or to the log of the
// process if out is nil.
func (t *Tree) Start(ctx context.Context, s Settings, uid uint32, out *os.File) (*agentdtest.Process, error) {
	file := filepath.Join(s.Dir, "original.toml")
	if err := os.WriteFile(file, []byte(s.Config()), 0o644); err != nil { //nolint:gosec // other users read it
		return nil, err
	}
	return agentdtest.StartProcess(ctx, agentdtest.Command{
		Argv: []string{"/usr/bin/parsec", "-c", file}, Dir: s.Dir, Chroot: t.root, UID: uid,
		Env: append([]string{"PATH=/usr/bin:/bin", "HOME=" + s.Dir}, s.Env...), Socket: filepath.Join(s.Dir, "parsec.sock"), Output: out,
	})
}
