package ctl_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-73b3884f/parsec-agent/server/processtest"
)

// TestRolledBack has a server come back from a backup that is older than what the agent has seen: it says so, goes on with nothing until a person accepts it, and
// then with everything.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	dir, backup := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	server := processtest.Start(t, append([]string{"--data-dir=" + dir}, ours...)...)
	f := &flows{T: t, site: &site{url: processtest.Balance(t, server)}, alice: newHome(t, os.Getuid())}
	alice := f.alice
	recovery := func(name string) []string {
		return []string{"device", "recovery", "--yes", "--passphrase-out", filepath.Join(alice.dir, name+".pass"), filepath.Join(alice.dir, name)}
	}
	alice.bootstrap(f.site.host(), "Acme")
	alice.unlock("Acme")
	serverCommand(t, "backup", "--data-dir="+dir, backup)
	alice.must(recovery("first")...)
	alice.knows("Acme", "alice@example.com", 2, "ADMIN")

	server.Stop()
	key := filepath.Join(dir, "server.key")
	emptyBut(t, dir, key)
	serverCommand(t, "restore", "--data-dir="+dir, backup)
	server.Again()
	f.says(alice.stands("Acme", "rolled_back"), "the server is behind what this device has seen", "restored from a backup", "parsecctl org accept-rollback")
	alice.refused(6, "behind|parsecctl org accept-rollback", recovery("second")...)
	alice.kill()
	alice.unlock("Acme")
	alice.stands("Acme", "rolled_back")
	alice.refused(1, "--yes", "org", "accept-rollback") // nobody has been asked
	alice.must("org", "accept-rollback", "--yes")
	alice.stands("Acme", "online")
	alice.knows("Acme", "alice@example.com", 1, "ADMIN")
	alice.must(recovery("third")...)
	alice.knows("Acme", "alice@example.com", 2, "ADMIN")
	alice.refused(6, "nothing to accept", "org", "accept-rollback", "--yes")
}

func serverCommand(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "parsec-server", args...).CombinedOutput(); err != nil {
		t.Fatalf("parsec-server %q: %v\n%s", args, err, out)
	}
}

// emptyBut removes everything of a directory but one file.
func emptyBut(t *testing.T, dir, kept string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(all) < 2 {
		t.Fatal(all, err)
	}
	for _, path := range all {
		if path == kept {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}
